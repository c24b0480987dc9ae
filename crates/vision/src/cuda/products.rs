//! Products by cublasLt.

use std::{collections::HashMap, ffi::c_void, sync::Arc};

use cudarc::{
    cublaslt::{
        result,
        sys::{self, cublasLtMatmulDescAttributes_t as Attribute},
    },
    driver::{CudaSlice, CudaStream, DevicePtr, sys::CUdeviceptr},
};

use super::{
    layout::value_bytes,
    plan::{Argument, Batch, Kernel, Kind, Launch, Place, Product},
};
use crate::recipe::Precision;

/// What cublasLt may use beside inputs and outputs: what its own documentation advises for Hopper.
const WORKSPACE: usize = 32 << 20;
/// An alignment that is as good as any larger one.
const ALIGNED: usize = 256;

/// What a product left undone because the library has no algorithm that does it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Undone {
    Nothing,
    /// The bias, and the GELU after it where the product has one.
    Bias,
}

/// The addresses of a product's matrices.
pub(super) struct Addresses {
    pub(super) input: CUdeviceptr,
    pub(super) weight: CUdeviceptr,
    pub(super) output: CUdeviceptr,
    pub(super) bias: Option<CUdeviceptr>,
}

/// The library, with an algorithm for each shape that was asked for.
pub(super) struct Products {
    handle: sys::cublasLtHandle_t,
    workspace: CudaSlice<u8>,
    precision: Precision,
    prepared: HashMap<Form, Prepared>,
}

// SAFETY: the handle and the descriptors are plain memory of the library, used by one thread at a
// time since every use takes `&mut self`.
#[allow(unsafe_code)]
unsafe impl Send for Products {}

/// Adds the bias that a product was left without.
pub(super) fn bias_launch(product: &Product, bias: Place) -> Launch {
    let (count, width) = (product.rows * product.outputs, product.outputs);
    let kernel = match product.output_kind {
        Kind::Full => Kernel::AddBiasFull,
        _ => Kernel::AddBias,
    };
    Launch::over(
        kernel,
        count,
        vec![
            Argument::Place(product.output),
            Argument::Place(bias),
            Argument::Long(count as i64),
            Argument::Int(width as i32),
            Argument::Long(product.output_stride as i64),
        ],
    )
}

/// What decides the algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Form {
    sizes: [usize; 3],
    strides: [usize; 3],
    batch: Option<[usize; 3]>,
    full: bool,
    bias: bool,
    gelu: bool,
    accumulate: bool,
    /// Bytes at whose multiples weights, input and output begin.
    alignments: [usize; 3],
}

impl Form {
    fn of(product: &Product) -> Self {
        let aligned = |bytes: usize| {
            if bytes == 0 { ALIGNED } else { ALIGNED.min(1 << bytes.trailing_zeros()) }
        };
        let batch = |batch: Batch| [batch.count, batch.input_step, batch.output_step];
        Self {
            sizes: [product.rows, product.outputs, product.inputs],
            strides: [product.weight_stride, product.input_stride, product.output_stride],
            batch: product.batch.map(batch),
            full: product.output_kind == Kind::Full,
            bias: product.bias.is_some(),
            gelu: product.gelu,
            accumulate: product.accumulate,
            alignments: [product.weight, product.input, product.output]
                .map(|place| aligned(place.bytes)),
        }
    }
}

/// Descriptors and the algorithm of one form.
struct Prepared {
    operation: Operation,
    weight: MatrixLayout,
    input: MatrixLayout,
    output: MatrixLayout,
    algorithm: sys::cublasLtMatmulAlgo_t,
    undone: Undone,
}

impl Products {
    /// Opens the library.
    #[allow(unsafe_code)]
    pub(super) fn new(stream: &Arc<CudaStream>, precision: Precision) -> Result<Self, String> {
        // SAFETY: the library writes what it reads of its workspace.
        let workspace = unsafe { stream.alloc::<u8>(WORKSPACE) }.map_err(|e| e.to_string())?;
        let handle = result::create_handle().map_err(failed("create"))?;
        Ok(Self { handle, workspace, precision, prepared: HashMap::new() })
    }

    /// Puts a product on a stream.
    #[allow(unsafe_code)]
    pub(super) fn multiply(
        &mut self,
        stream: &CudaStream,
        product: &Product,
        addresses: &Addresses,
    ) -> Result<Undone, String> {
        let form = Form::of(product);
        if !self.prepared.contains_key(&form) {
            let prepared = self.prepare(&form)?;
            self.prepared.insert(form.clone(), prepared);
        }
        let Some(prepared) = self.prepared.get(&form) else { return Err("lost".into()) };
        if let (Some(bias), Undone::Nothing) = (addresses.bias, prepared.undone) {
            prepared.operation.set(Attribute::CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias)?;
        }
        let (one, beta) = (1.0_f32, if product.accumulate { 1.0_f32 } else { 0.0 });
        let (workspace, _guard) = self.workspace.device_ptr(self.workspace.stream());
        // SAFETY: descriptors are alive; the addresses are those of the plan's places, of which
        // `tests/plans.rs` checks that rows, columns and steps stay inside their buffers; the
        // stream belongs to the same context and keeps the order of requests.
        unsafe {
            result::matmul(
                self.handle,
                prepared.operation.0,
                (&raw const one).cast(),
                (&raw const beta).cast(),
                addresses.weight as *const c_void,
                prepared.weight.0,
                addresses.input as *const c_void,
                prepared.input.0,
                addresses.output as *const c_void,
                prepared.output.0,
                addresses.output as *mut c_void,
                prepared.output.0,
                &raw const prepared.algorithm,
                workspace as *mut c_void,
                WORKSPACE,
                stream.cu_stream().cast(),
            )
        }
        .map_err(failed("multiply"))?;
        Ok(prepared.undone)
    }

    /// The library counts columns first: row by row, our matrices are its transposed ones, and
    /// `output = input * weight^T` is its `output^T = weight * input^T`.
    fn prepare(&self, form: &Form) -> Result<Prepared, String> {
        let [rows, outputs, inputs] = form.sizes;
        let [weight_stride, input_stride, output_stride] = form.strides;
        let element = data_type(self.precision, Kind::Element);
        let result = data_type(self.precision, if form.full { Kind::Full } else { Kind::Element });
        let weight = MatrixLayout::new(element, inputs, outputs, weight_stride)?;
        let input = MatrixLayout::new(element, inputs, rows, input_stride)?;
        let output = MatrixLayout::new(result, outputs, rows, output_stride)?;
        if let Some([count, input_step, output_step]) = form.batch {
            weight.repeat(count, 0)?;
            input.repeat(count, input_step)?;
            output.repeat(count, output_step)?;
        }
        let preference = Preference::new(form.alignments)?;
        let whole = Operation::new(form.bias, form.gelu)?;
        let found = self.algorithm(&whole, [&weight, &input, &output], &preference);
        let (operation, algorithm, undone) = match found {
            Ok(algorithm) => (whole, algorithm, Undone::Nothing),
            Err(_) if form.bias => {
                let plain = Operation::new(false, false)?;
                let layouts = [&weight, &input, &output];
                let algorithm = self.algorithm(&plain, layouts, &preference)?;
                (plain, algorithm, Undone::Bias)
            }
            Err(error) => return Err(error),
        };
        Ok(Prepared { operation, weight, input, output, algorithm, undone })
    }

    /// The library's first choice.
    #[allow(unsafe_code)]
    fn algorithm(
        &self,
        operation: &Operation,
        [weight, input, output]: [&MatrixLayout; 3],
        preference: &Preference,
    ) -> Result<sys::cublasLtMatmulAlgo_t, String> {
        // SAFETY: all descriptors are alive.
        let found = unsafe {
            result::get_matmul_algo_heuristic(
                self.handle,
                operation.0,
                weight.0,
                input.0,
                output.0,
                output.0,
                preference.0,
            )
        };
        found.map(|found| found.algo).map_err(failed("find an algorithm"))
    }
}

impl Drop for Products {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        self.prepared.clear();
        // SAFETY: the handle was made by `create_handle` and is freed once, here.
        let _ = unsafe { result::destroy_handle(self.handle) };
    }
}

fn failed(what: &'static str) -> impl Fn(result::CublasError) -> String {
    move |error| format!("the matrix library cannot {what}: {error}")
}

fn data_type(precision: Precision, kind: Kind) -> sys::cudaDataType {
    match (value_bytes(precision, kind), precision) {
        (2, Precision::F16) => sys::cudaDataType::CUDA_R_16F,
        (2, _) => sys::cudaDataType::CUDA_R_16BF,
        _ => sys::cudaDataType::CUDA_R_32F,
    }
}

/// What is computed: `D = op(A) * B`, sums and scales in 32 bits.
struct Operation(sys::cublasLtMatmulDesc_t);

impl Operation {
    fn new(bias: bool, gelu: bool) -> Result<Self, String> {
        let compute = sys::cublasComputeType_t::CUBLAS_COMPUTE_32F;
        let scale = sys::cudaDataType::CUDA_R_32F;
        let operation =
            Self(result::create_matmul_desc(compute, scale).map_err(failed("describe"))?);
        // 1 stands for transposed (CUBLAS_OP_T).
        operation.set(Attribute::CUBLASLT_MATMUL_DESC_TRANSA, &1_i32)?;
        let epilogue = match (bias, gelu) {
            (false, false) => sys::cublasLtEpilogue_t::CUBLASLT_EPILOGUE_DEFAULT,
            (true, false) => sys::cublasLtEpilogue_t::CUBLASLT_EPILOGUE_BIAS,
            (false, true) => sys::cublasLtEpilogue_t::CUBLASLT_EPILOGUE_GELU,
            (true, true) => sys::cublasLtEpilogue_t::CUBLASLT_EPILOGUE_GELU_BIAS,
        };
        operation.set(Attribute::CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue)?;
        Ok(operation)
    }

    #[allow(unsafe_code)]
    fn set<T>(&self, attribute: Attribute, value: &T) -> Result<(), String> {
        let value: *const T = value;
        // SAFETY: the descriptor is alive; `value` points to as many bytes as are named.
        unsafe {
            result::set_matmul_desc_attribute(self.0, attribute, value.cast(), size_of::<T>())
        }
        .map_err(failed("set an attribute"))
    }
}

impl Drop for Operation {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: made by the library, freed once, here.
        let _ = unsafe { result::destroy_matmul_desc(self.0) };
    }
}

/// A matrix, columns first.
struct MatrixLayout(sys::cublasLtMatrixLayout_t);

impl MatrixLayout {
    fn new(
        kind: sys::cudaDataType,
        rows: usize,
        columns: usize,
        stride: usize,
    ) -> Result<Self, String> {
        result::create_matrix_layout(kind, rows as u64, columns as u64, stride as i64)
            .map(Self)
            .map_err(failed("describe a matrix"))
    }

    /// Says that the matrix is one of `count`, so many values from one to the next.
    fn repeat(&self, count: usize, step: usize) -> Result<(), String> {
        use sys::cublasLtMatrixLayoutAttribute_t as Attribute;
        let count = i32::try_from(count).map_err(|error| error.to_string())?;
        self.set(Attribute::CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count)?;
        self.set(Attribute::CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &(step as i64))
    }

    #[allow(unsafe_code)]
    fn set<T>(
        &self,
        attribute: sys::cublasLtMatrixLayoutAttribute_t,
        value: &T,
    ) -> Result<(), String> {
        let value: *const T = value;
        // SAFETY: the layout is alive; `value` points to as many bytes as are named.
        unsafe {
            result::set_matrix_layout_attribute(self.0, attribute, value.cast(), size_of::<T>())
        }
        .map_err(failed("set a matrix's attribute"))
    }
}

impl Drop for MatrixLayout {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: made by the library, freed once, here.
        let _ = unsafe { result::destroy_matrix_layout(self.0) };
    }
}

/// What an algorithm may use and rely on.
struct Preference(sys::cublasLtMatmulPreference_t);

impl Preference {
    fn new([weight, input, output]: [usize; 3]) -> Result<Self, String> {
        use sys::cublasLtMatmulPreferenceAttributes_t as Attribute;
        let preference = Self(result::create_matmul_pref().map_err(failed("prefer"))?);
        preference.set(Attribute::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &WORKSPACE)?;
        for (attribute, bytes) in [
            (Attribute::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, weight),
            (Attribute::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, input),
            (Attribute::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, output),
            (Attribute::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, output),
        ] {
            preference.set(attribute, &(bytes as u32))?;
        }
        Ok(preference)
    }

    #[allow(unsafe_code)]
    fn set<T>(
        &self,
        attribute: sys::cublasLtMatmulPreferenceAttributes_t,
        value: &T,
    ) -> Result<(), String> {
        let value: *const T = value;
        // SAFETY: the preference is alive; `value` points to as many bytes as are named.
        unsafe {
            result::set_matmul_pref_attribute(self.0, attribute, value.cast(), size_of::<T>())
        }
        .map_err(failed("set a preference"))
    }
}

impl Drop for Preference {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: made by the library, freed once, here.
        let _ = unsafe { result::destroy_matmul_pref(self.0) };
    }
}
