"""Real bodies for the two binary uploads, for schemathesis: points (BNA1) and DICOM annotations
(STOW-RS), some whole, some broken at one place. Loaded by `SCHEMATHESIS_HOOKS`."""

import io
import json
import os
import random
import struct

import schemathesis
from hypothesis import strategies
from pydicom import Dataset, FileMetaDataset, Sequence, dcmwrite
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

ANNOTATIONS = "1.2.840.10008.5.1.4.1.1.91.1"
chance = random.Random(int(os.environ["BIANQUE_FUZZ_SEED"]))
# A program names itself, a person does not.
NAMED = [{}, {"producer": "fuzz", "version": "1"}, {"producer": "file put in by x", "version": "1"}]
# Where requests come through to the work: the slide that is really there.
there = json.loads(os.environ["BIANQUE_FUZZ_VALUES"])

for kind in ["multipart/related", "application/octet-stream"]:
    schemathesis.openapi.media_type(kind, strategies.binary(max_size=256))


@schemathesis.serializer("multipart/related")
def as_it_is(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


def broken(body):
    """The body as it is, or with one fault."""
    at = chance.randrange(len(body)) if body else 0
    faults = [
        lambda: body,
        lambda: body,
        lambda: body[:at],
        lambda: body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :],
        lambda: body[:at] + b"\xff\xff\xff\xff" + body[at + 4 :],
        lambda: body + body[:at],
    ]
    return chance.choice(faults)()


def points():
    count = chance.choice([0, 1, 2, 300])
    places = [chance.choice([chance.uniform(0, 2000), -1.5, 1e7, float("nan")]) for _ in range(2)]
    places += [chance.uniform(0, 1400) for _ in range(2 * count)]
    kinds = bytes(chance.choice([0, 0, 0, 1]) for _ in range(count))
    said = chance.choice([count, count, count, 2**32 - 1])
    start = chance.choice([0, 2, 2])
    coordinates = struct.pack(f"<{2 * count}f", *places[start : start + 2 * count])
    return broken(b"BNA1" + struct.pack("<I", said) + coordinates + kinds)


def group():
    count = chance.choice([1, 3, 4, 50])
    numbers = [chance.uniform(0, 1400) for _ in range(2 * count)]
    label = chance.choice(["necrosis", "carcinoma", "no such label"])
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = label[:16], "99SITE", label
    made = Dataset()
    made.GraphicType = chance.choice(["POLYGON", "POLYGON", "POINT", "ELLIPSE"])
    made.AnnotationPropertyTypeCodeSequence = Sequence([code])
    made.AnnotationGroupLabel = label
    made.PointCoordinatesData = struct.pack(f"<{len(numbers)}f", *numbers)
    if chance.random() < 0.9:
        starts = [1] if chance.random() < 0.8 else [1, 3, 2**32 - 1]
        made.LongPrimitivePointIndexList = struct.pack(f"<{len(starts)}I", *starts)
    return made


def annotations():
    made = Dataset()
    made.SOPClassUID = chance.choice([ANNOTATIONS] * 5 + ["1.2.840.10008.5.1.4.1.1.7"])
    made.SOPInstanceUID = generate_uid()
    made.StudyInstanceUID = there.get("path.study", "1.2.3")
    made.SeriesInstanceUID = generate_uid()
    made.AnnotationCoordinateType = chance.choice(["2D", "2D", "2D", "3D"])
    if chance.random() < 0.1:
        made.PatientName = "Somebody"
    image = Dataset()
    image.ReferencedSOPInstanceUID = there.get("path.instance", "1.2.3")
    made.ReferencedImageSequence = Sequence([image])
    made.AnnotationGroupSequence = Sequence([group() for _ in range(chance.choice([0, 1, 1, 3]))])
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = io.BytesIO()
    dcmwrite(file, made, enforce_file_format=True)
    return broken(file.getvalue())


def stored():
    boundary = b"fuzz"
    head = b"--" + boundary + b"\r\nContent-Type: application/dicom\r\n\r\n"
    files = [annotations() for _ in range(chance.choice([1, 1, 2, 4]))]
    body = b"".join(head + file + b"\r\n" for file in files) + b"--" + boundary + b"--\r\n"
    return body if chance.random() < 0.8 else broken(body)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Puts a real body in the place of most of those that are made up."""
    if case.method.upper() != "POST" or chance.random() < 0.2:
        return
    if case.operation.path == "/dicomweb/studies":
        case.headers["Content-Type"] = 'multipart/related; type="application/dicom"; boundary=fuzz'
        kwargs["data"] = stored()
    elif case.operation.path.endswith("/annotations"):
        case.headers["Content-Type"] = "application/octet-stream"
        kwargs["data"] = points()
        if chance.random() < 0.7:
            key = f"fuzz-{chance.randrange(10**12):012}"
            case.query = {"key": key, "label": "nuclei", "classes": "a,b", **chance.choice(NAMED)}
