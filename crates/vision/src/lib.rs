//! Encoders by recipe: tensors, weight files, batching; tiles in, feature vectors out.
