//! Objects in a bucket of an S3 service: Amazon's, or one of the hospital's own.

use std::{future::Future, io::Read, sync::Arc, time::Duration};

use bianque_core::Digest;
use object_store::{
    BackoffConfig, ClientOptions, Error, GetOptions, PutOptions, PutPayload, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, Checksum},
    path::Path,
};
use tokio::runtime::Runtime;
use tokio_stream::StreamExt;

use super::ObjectStore;
use crate::{RecordError, Result};

/// The longest object: one request carries it, and it is in memory until it is kept.
const LONGEST: u64 = 1 << 30;
/// A request that takes longer than this at one step has failed.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often, and how long at all, a request is tried again that the service could not answer.
const RETRIES: usize = 3;
const RETRIES_END: Duration = Duration::from_secs(45);

/// A bucket of objects.
pub struct ObjectBucket {
    store: Arc<dyn object_store::ObjectStore>,
    prefix: String,
    bucket: String,
    /// Drives the client's requests. Only `None` while it is dropped.
    runtime: Option<Runtime>,
}

impl ObjectBucket {
    /// A bucket that is there. The environment says where the service is and who asks
    /// (`AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, …); a service
    /// without TLS needs `AWS_ALLOW_HTTP=true`.
    ///
    /// # Errors
    /// When the service cannot be reached or refuses.
    pub fn open(bucket: &str, prefix: &str) -> Result<Self> {
        let failed = |error: &dyn std::error::Error| failed("opened", bucket, error);
        let store = service(bucket).map_err(|error| failed(&error))?;
        let kept = Self::over(Arc::new(store), bucket, prefix).map_err(|error| failed(&error))?;
        kept.probe()?;
        Ok(kept)
    }

    fn over(
        store: Arc<dyn object_store::ObjectStore>,
        bucket: &str,
        prefix: &str,
    ) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("objects")
            .enable_all()
            .build()?;
        let (prefix, bucket) = (prefix.to_owned(), bucket.to_owned());
        Ok(Self { store, prefix, bucket, runtime: Some(runtime) })
    }

    /// Asks for a list that is empty or short: a wrong bucket, key or address is said at the start,
    /// not when the first finding is to be kept. (A missing bucket answers like a missing object, so
    /// that asking for one would not do.)
    fn probe(&self) -> Result<()> {
        let prefix = self.path(Digest::of(b""));
        let listed = self.wait(self.store.list_with_delimiter(Some(&prefix)))?;
        listed.map(drop).map_err(|error| failed("opened", &self.bucket, &error))
    }

    fn path(&self, digest: Digest) -> Path {
        let (folder, name) = super::place_of(digest);
        Path::from_iter(self.prefix.split('/').chain([folder.as_str(), name.as_str()]))
    }

    fn wait<T>(&self, doing: impl Future<Output = T>) -> Result<T> {
        let runtime = self.runtime.as_ref().ok_or_else(|| RecordError::Objects {
            doing: "used",
            what: "the program is ending".to_owned(),
        })?;
        Ok(runtime.block_on(doing))
    }

    fn not_read(&self, digest: Digest, error: &Error) -> RecordError {
        match error {
            Error::NotFound { .. } => RecordError::not_found("object", digest),
            error => failed("read", &self.bucket, error),
        }
    }
}

impl Drop for ObjectBucket {
    fn drop(&mut self) {
        // Where this is dropped nobody may be made to wait: an async thread must not.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl ObjectStore for ObjectBucket {
    fn put(&self, content: &mut dyn Read) -> Result<Digest> {
        let mut bytes = Vec::new();
        content
            .take(LONGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| failed("written", &self.bucket, &error))?;
        if bytes.len() as u64 > LONGEST {
            let why = format!("it is longer than {LONGEST} bytes");
            return Err(RecordError::invalid("object", why));
        }
        let digest = Digest::of(&bytes);
        let path = self.path(digest);
        let put = self.store.put_opts(&path, PutPayload::from(bytes), PutOptions::default());
        self.wait(put)?.map_err(|error| failed("written", &self.bucket, &error))?;
        Ok(digest)
    }

    fn get(&self, digest: Digest, longest: u64) -> Result<Vec<u8>> {
        let path = self.path(digest);
        let got = self.wait(async {
            let got = self.store.get_opts(&path, GetOptions::default()).await?;
            // What is longer is not fetched.
            if got.meta.size > longest {
                return Ok(None);
            }
            got.bytes().await.map(Some)
        })?;
        let got = got.map_err(|error| self.not_read(digest, &error))?;
        let Some(bytes) = got.filter(|bytes| bytes.len() as u64 <= longest) else {
            let why = format!("it is longer than {longest} bytes");
            return Err(RecordError::invalid("object", why));
        };
        if Digest::of(&bytes) != digest {
            return Err(RecordError::damaged("object", digest, "its bytes have another digest"));
        }
        Ok(bytes.into())
    }

    fn check(&self, digest: Digest) -> Result<()> {
        let path = self.path(digest);
        let found = self.wait(async {
            let got = self.store.get_opts(&path, GetOptions::default()).await?;
            let mut stream = got.into_stream();
            let mut found = Digest::builder();
            while let Some(bytes) = stream.next().await {
                found.update(&bytes?);
            }
            Ok(found.finish())
        })?;
        if found.map_err(|error| self.not_read(digest, &error))? == digest {
            return Ok(());
        }
        Err(RecordError::damaged("object", digest, "its bytes have another digest"))
    }
}

/// The service as the environment describes it.
fn service(bucket: &str) -> object_store::Result<AmazonS3> {
    let options = ClientOptions::new().with_timeout(TIMEOUT).with_connect_timeout(TIMEOUT);
    let in_the_clear = std::env::var("AWS_ALLOW_HTTP").is_ok_and(|value| value == "true");
    let retry = RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: RETRIES,
        retry_timeout: RETRIES_END,
    };
    AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_client_options(options.with_allow_http(in_the_clear))
        .with_retry(retry)
        // The service holds what it got against what was sent.
        .with_checksum_algorithm(Checksum::SHA256)
        .build()
}

fn failed(doing: &'static str, bucket: &str, error: &dyn std::error::Error) -> RecordError {
    let mut what = format!("s3://{bucket}: {error}");
    let mut below = error.source();
    while let Some(error) = below {
        what = format!("{what}: {error}");
        below = error.source();
    }
    RecordError::Objects { doing, what }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    fn bucket() -> ObjectBucket {
        ObjectBucket::over(Arc::new(InMemory::new()), "slides", "site").unwrap()
    }

    #[test]
    fn what_is_put_comes_back() {
        let bucket = bucket();
        let digest = bucket.put(&mut &b"heatmap"[..]).unwrap();
        assert_eq!(bucket.put(&mut &b"heatmap"[..]).unwrap(), digest);
        assert_eq!(digest, Digest::of(b"heatmap"));
        assert_eq!(bucket.get(digest, 7).unwrap(), b"heatmap");
        assert!(matches!(bucket.get(digest, 6), Err(RecordError::Invalid { .. })));
        let missing = Digest::of(b"");
        assert!(matches!(bucket.get(missing, 9), Err(RecordError::NotFound { .. })));
        assert!(matches!(bucket.check(missing), Err(RecordError::NotFound { .. })));
        bucket.check(digest).unwrap();
        let path = bucket.path(digest).to_string();
        assert!(path.starts_with(&format!("site/{}/", &digest.to_string()[7..9])), "{path}");
    }

    #[test]
    fn a_changed_object_is_not_given_out() {
        let bucket = bucket();
        let digest = bucket.put(&mut &b"heatmap"[..]).unwrap();
        let (path, changed) = (bucket.path(digest), PutPayload::from_static(b"heatmaq"));
        let put = bucket.store.put_opts(&path, changed, PutOptions::default());
        bucket.wait(put).unwrap().unwrap();
        assert!(matches!(bucket.get(digest, 99), Err(RecordError::Damaged { .. })));
        assert!(matches!(bucket.check(digest), Err(RecordError::Damaged { .. })));
    }

    #[test]
    fn without_a_prefix_names_begin_with_the_digest() {
        let bucket = ObjectBucket::over(Arc::new(InMemory::new()), "slides", "").unwrap();
        let digest = Digest::of(b"heatmap");
        let digits = digest.to_string()[7..].to_owned();
        assert_eq!(bucket.path(digest).to_string(), format!("{}/{}", &digits[..2], &digits[2..]));
    }

    #[tokio::test]
    async fn it_may_end_where_nobody_may_wait() {
        drop(bucket());
    }
}
