//! The GPU as a [`Device`]: one context, one stream of requests.

use std::{collections::HashMap, ffi::c_void, sync::Arc};

use cudarc::{
    driver::{
        CudaContext, CudaFunction, CudaSlice, CudaStream, DevicePtr, DriverError, result,
        sys::CUdeviceptr,
    },
    nvrtc::Ptx,
};

use super::{
    compile::{Target, module},
    device::Device,
    libraries,
    plan::{Argument, Buffer, Kernel, Launch, Place, Product},
    products::{Addresses, Products, Undone, bias_launch},
    shape::Shape,
};
use crate::{
    error::{Result, VisionError},
    recipe::Precision,
};

/// Memory on the device.
struct Memory {
    /// Frees the memory when it goes.
    _slice: CudaSlice<u8>,
    address: CUdeviceptr,
    bytes: usize,
}

/// The first GPU, with kernels for one shape.
pub(super) struct Gpu {
    // Fields are dropped in this order: what uses the context before the context.
    products: Products,
    functions: HashMap<Kernel, CudaFunction>,
    memories: Vec<Memory>,
    stream: Arc<CudaStream>,
    context: Arc<CudaContext>,
}

impl Gpu {
    /// Finds the libraries and the GPU, and compiles the kernels.
    ///
    /// # Errors
    /// When a library is missing, there is no GPU, or it is too old.
    #[allow(unsafe_code)]
    pub(super) fn new(shape: &Shape, precision: Precision) -> Result<Self> {
        libraries::open()?;
        let context = CudaContext::new(0).map_err(driver("find a GPU"))?;
        // SAFETY: with tracking off, nobody but us orders what different streams do to the same
        // memory. `Engine` does so by its own events, and a graph could not be recorded with it on.
        unsafe { context.disable_event_tracking() };
        let stream = context.new_stream().map_err(driver("make a stream"))?;
        let (major, minor) = context.compute_capability().map_err(driver("ask the GPU"))?;
        let target = Target::of_device(10 * major + minor).map_err(runtime)?;
        let code = module(shape, precision, target).map_err(runtime)?;
        let loaded = context.load_module(Ptx::from_binary(terminated(code)));
        let loaded = loaded.map_err(driver("load the kernels"))?;
        let functions = Kernel::ALL.into_iter().map(|kernel| {
            let function = loaded.load_function(kernel.name());
            Ok((kernel, function.map_err(driver("find a kernel"))?))
        });
        let functions = functions.collect::<Result<_>>()?;
        let products = Products::new(&stream, precision).map_err(runtime)?;
        Ok(Self { products, functions, memories: Vec::new(), stream, context })
    }

    /// The GPU's name.
    pub(super) fn name(&self) -> Result<String> {
        self.context.name().map_err(driver("ask the GPU"))
    }

    /// Bytes that are free.
    pub(super) fn free(&self) -> Result<usize> {
        let (free, _) = self.context.mem_get_info().map_err(driver("ask for free memory"))?;
        Ok(free)
    }

    pub(super) fn context(&self) -> &Arc<CudaContext> {
        &self.context
    }

    pub(super) fn stream(&self) -> &Arc<CudaStream> {
        &self.stream
    }

    /// A place's address, with at least `bytes` bytes from there on.
    pub(super) fn address(&self, place: Place, bytes: usize) -> Result<CUdeviceptr> {
        match self.memories.get(place.buffer) {
            Some(memory) if place.bytes + bytes <= memory.bytes => {
                Ok(memory.address + place.bytes as CUdeviceptr)
            }
            _ => Err(runtime(format!("{bytes} bytes at {place:?} are outside the buffer"))),
        }
    }

    /// What the matrix library left undone.
    fn finish(&mut self, product: &Product, bias: Place) -> Result<()> {
        self.launch(&bias_launch(product, bias))?;
        let count = product.rows * product.outputs;
        if product.gelu {
            // Only whole rows have an activation.
            let arguments = vec![Argument::Place(product.output), Argument::Long(count as i64)];
            self.launch(&Launch::over(Kernel::Gelu, count, arguments))?;
        }
        Ok(())
    }
}

impl Device for Gpu {
    #[allow(unsafe_code)]
    fn allocate(&mut self, buffer: &Buffer) -> Result<()> {
        let bytes = buffer.bytes();
        // SAFETY: nothing reads a buffer before a kernel, a product or an upload filled it, but
        // for values that no result depends on (queries of tokens that the last block leaves out).
        let slice = unsafe { self.stream.alloc::<u8>(bytes) }.map_err(driver("make a buffer"))?;
        let (address, guard) = slice.device_ptr(&self.stream);
        drop(guard);
        self.memories.push(Memory { _slice: slice, address, bytes });
        Ok(())
    }

    #[allow(unsafe_code)]
    fn upload(&mut self, place: Place, bytes: &[u8]) -> Result<()> {
        let address = self.address(place, bytes.len())?;
        // SAFETY: the place holds so many bytes; `bytes` stay until the copy is done, for which
        // this waits.
        unsafe { result::memcpy_htod_async(address, bytes, self.stream.cu_stream()) }
            .map_err(driver("copy to the GPU"))?;
        self.stream.synchronize().map_err(driver("copy to the GPU"))
    }

    #[cfg(test)]
    #[allow(unsafe_code)]
    fn download(&mut self, place: Place, bytes: &mut [u8]) -> Result<()> {
        let address = self.address(place, bytes.len())?;
        // SAFETY: as for `upload`.
        unsafe { result::memcpy_dtoh_async(bytes, address, self.stream.cu_stream()) }
            .map_err(driver("copy from the GPU"))?;
        self.stream.synchronize().map_err(driver("copy from the GPU"))
    }

    #[allow(unsafe_code)]
    fn launch(&mut self, launch: &Launch) -> Result<()> {
        let Some(function) = self.functions.get(&launch.kernel) else {
            return Err(runtime(format!("no kernel {}", launch.kernel.name())));
        };
        let mut values = Vec::with_capacity(launch.arguments.len());
        for argument in &launch.arguments {
            values.push(match *argument {
                Argument::Place(place) => self.address(place, 1)?.to_ne_bytes(),
                Argument::Int(value) => in_eight(value.to_ne_bytes()),
                Argument::Long(value) => value.to_ne_bytes(),
                Argument::Float(value) => in_eight(value.to_ne_bytes()),
            });
        }
        let mut pointers: Vec<*mut c_void> =
            values.iter_mut().map(|value| value.as_mut_ptr().cast()).collect();
        let [x, y, z] = launch.grid;
        // SAFETY: the number and the types of arguments are the kernel's: the tests' emulation
        // compares both for every launch, and watches what kernels read and write. The driver
        // copies the arguments before it returns.
        unsafe {
            result::launch_kernel(
                function.cu_function(),
                (x, y, z),
                (launch.block, 1, 1),
                launch.shared,
                self.stream.cu_stream(),
                &mut pointers,
            )
        }
        .map_err(driver(launch.kernel.name()))
    }

    fn multiply(&mut self, product: &Product) -> Result<()> {
        let addresses = Addresses {
            input: self.address(product.input, 1)?,
            weight: self.address(product.weight, 1)?,
            output: self.address(product.output, 1)?,
            bias: product.bias.map(|bias| self.address(bias, 1)).transpose()?,
        };
        let undone =
            self.products.multiply(&self.stream, product, &addresses).map_err(|error| {
                let [m, n, k] = [product.rows, product.outputs, product.inputs];
                runtime(format!("{error} (a product of {m} x {n} x {k})"))
            })?;
        match (undone, product.bias) {
            (Undone::Bias, Some(bias)) => self.finish(product, bias),
            _ => Ok(()),
        }
    }
}

/// Four bytes at the begin of eight.
fn in_eight(bytes: [u8; 4]) -> [u8; 8] {
    let mut eight = [0; 8];
    eight[..4].copy_from_slice(&bytes);
    eight
}

/// Text for the driver ends with a zero; machine code may as well.
fn terminated(mut code: Vec<u8>) -> Vec<u8> {
    code.push(0);
    code
}

pub(super) fn runtime(what: String) -> VisionError {
    VisionError::Runtime { what: format!("the GPU cannot be used: {what}") }
}

pub(super) fn driver(what: &'static str) -> impl Fn(DriverError) -> VisionError {
    move |error| runtime(format!("cannot {what}: {error}"))
}
