//! A level as a file (PS3.10): its attributes, then its frames as they are (PS3.5 section A.4), one
//! fragment a frame, so that nobody ever holds the whole.

use bianque_slide::Slide;

use super::{
    data_set::DataSet,
    frame::frame,
    instance::{Instance, JPEG_BASELINE, SOP_CLASS},
    part10,
    tags::AVAILABLE_TRANSFER_SYNTAX_UID,
};
use crate::answer::Refusal;

/// Frames of one step: a few megabytes.
const STEP: u64 = 32;
/// Most frames that are coded anew for one file; there is no bound on those that lie in the slide.
const MOST_CODED: u64 = 4096;

/// Refuses an instance whose frames would all have to be coded: a client that wants a few takes
/// frames, and one that wants all would keep the machine busy for minutes.
pub(crate) fn can_be_had(instance: &Instance) -> Result<(), Refusal> {
    let why = "this level's tiles cannot be handed out as they lie and are too many to be coded at \
               once: ask for its frames, or for another level";
    let has = instance.own_tiles || instance.frames() <= MOST_CODED;
    has.then_some(()).ok_or(Refusal::NotAcceptable(why))
}

/// The file up to its first frame.
pub(crate) fn beginning(set: DataSet, instance: &Instance) -> Result<Vec<u8>, Refusal> {
    let set = set.without(AVAILABLE_TRANSFER_SYNTAX_UID);
    let mut bytes = part10::file_in(JPEG_BASELINE, SOP_CLASS, instance.uid.as_str(), &set)?;
    // Pixel Data of undefined length, then an empty table of offsets.
    bytes.extend(b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF");
    bytes.extend(b"\xFE\xFF\x00\xE0\0\0\0\0");
    Ok(bytes)
}

/// The fragments of the next frames, and the number of the frame after them.
pub(crate) fn next(
    slide: &dyn Slide,
    instance: &Instance,
    from: u64,
) -> Result<(Vec<u8>, u64), Refusal> {
    let end = (from + STEP).min(instance.frames() + 1);
    let mut bytes = Vec::new();
    for number in from..end {
        let picture = frame(slide, instance, number)?;
        let odd = picture.bytes.len() % 2;
        let length = u32::try_from(picture.bytes.len() + odd)
            .map_err(|_| Refusal::Fault("a frame is too long for its fragment"))?;
        bytes.extend(b"\xFE\xFF\x00\xE0");
        bytes.extend(length.to_le_bytes());
        bytes.extend(&picture.bytes);
        bytes.extend(std::iter::repeat_n(0, odd));
    }
    Ok((bytes, end))
}

/// What stands behind the last frame.
pub(crate) const END: &[u8] = b"\xFE\xFF\xDD\xE0\0\0\0\0";
