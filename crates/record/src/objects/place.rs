//! Where objects lie.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

use super::{ObjectFolder, ObjectStore};
use crate::{RecordError, Result};

/// A folder, or a bucket of an S3 service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectPlace {
    /// A folder of this machine or of a file server.
    Folder(PathBuf),
    /// `s3://bucket/prefix`. Where the service is and who asks comes from the environment, as the
    /// service's own tools have it: `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, …
    Bucket {
        /// The bucket, which must be there.
        bucket: String,
        /// What the names of objects begin with; may be empty.
        prefix: String,
    },
}

impl ObjectPlace {
    /// Opens it for reading and writing. A folder is made when it is not there.
    ///
    /// # Errors
    /// When it cannot be used, or when this program was built without object stores.
    pub fn open(&self) -> Result<Arc<dyn ObjectStore>> {
        match self {
            Self::Folder(folder) => Ok(Arc::new(ObjectFolder::open(folder)?)),
            Self::Bucket { bucket, prefix } => open_bucket(bucket, prefix),
        }
    }

    /// Opens it for reading; makes nothing.
    ///
    /// # Errors
    /// As [`ObjectPlace::open`]; also when the folder is not there.
    pub fn open_to_read(&self) -> Result<Arc<dyn ObjectStore>> {
        match self {
            Self::Folder(folder) if !folder.is_dir() => {
                Err(RecordError::not_found("folder of objects", folder.display()))
            }
            _ => self.open(),
        }
    }
}

#[cfg(feature = "object-store")]
fn open_bucket(bucket: &str, prefix: &str) -> Result<Arc<dyn ObjectStore>> {
    Ok(Arc::new(super::ObjectBucket::open(bucket, prefix)?))
}

#[cfg(not(feature = "object-store"))]
fn open_bucket(bucket: &str, _: &str) -> Result<Arc<dyn ObjectStore>> {
    Err(RecordError::Objects {
        doing: "opened",
        what: format!(
            "this program was built without object stores: build it with the feature \
             `object-store`, or name a folder in place of s3://{bucket}"
        ),
    })
}

impl FromStr for ObjectPlace {
    type Err = RecordError;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: String| Err(RecordError::invalid("objects", why));
        match text.split_once("://") {
            Some(("s3", rest)) => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                let prefix = prefix.trim_end_matches('/');
                if bucket.is_empty() || bucket.contains(['@', ':', '?']) {
                    return wrong(format!("'{text}' is not s3://bucket or s3://bucket/prefix"));
                }
                if prefix.split('/').any(|part| part == ".." || part == ".") {
                    return wrong(format!("'{prefix}' has '.' or '..' in it"));
                }
                Ok(Self::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
            }
            Some((scheme, _)) => {
                wrong(format!("'{scheme}://' is not known: give a folder or s3://bucket/prefix"))
            }
            None if text.is_empty() => wrong("no folder is named".to_owned()),
            None => Ok(Self::Folder(text.into())),
        }
    }
}

impl fmt::Display for ObjectPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_bucket_and_anything_else_a_folder() {
        let place: ObjectPlace = "s3://slides/site-1/".parse().unwrap();
        assert_eq!(place.to_string(), "s3://slides/site-1");
        assert_eq!("s3://slides".parse::<ObjectPlace>().unwrap().to_string(), "s3://slides");
        let folder = ObjectPlace::Folder("kept/objects".into());
        assert_eq!("kept/objects".parse::<ObjectPlace>().unwrap(), folder);
        for wrong in ["", "s3://", "s3://key:secret@slides", "s3://slides/../x", "ftp://slides"] {
            assert!(wrong.parse::<ObjectPlace>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_not_made_by_looking() {
        let ground = tempfile::tempdir().unwrap();
        let place = ObjectPlace::Folder(ground.path().join("objects"));
        assert!(place.open_to_read().is_err());
        assert!(!ground.path().join("objects").exists());
        place.open().unwrap();
        place.open_to_read().unwrap();
    }
}
