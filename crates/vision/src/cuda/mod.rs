//! Vision transformers on an NVIDIA GPU.
//!
//! A recipe's numbers become a [`shape::Shape`], that a [`layout::Layout`] of buffers and a
//! [`plan::Plan`] of kernels and products, all of it plain data. A [`device::Device`] carries the
//! plan out: the GPU, or in tests the same kernels compiled for the host.

mod compile;
mod constants;
mod device;
mod encoder;
mod engine;
mod forward;
mod gpu;
mod layout;
mod libraries;
mod plan;
mod products;
mod shape;
mod source;
mod worker;

pub(crate) use encoder::CudaEncoder;

#[cfg(test)]
mod emulated;
#[cfg(test)]
mod tests;
