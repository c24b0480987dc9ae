//! Kernels compiled when they are first needed, and kept.

use std::{ffi::CString, path::PathBuf};

use cudarc::nvrtc::{result, sys};

use super::{
    shape::Shape,
    source::{MACHINE, definitions, digest, source},
};

use crate::recipe::Precision;

/// The least compute capability: bfloat16 in the matrix units, as of Ampere.
const LEAST: i32 = 80;

/// What kernels are compiled for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Compute capability, such as 90.
    capability: i32,
    /// Whether the compiler knows this one and makes machine code. Else it makes code of an
    /// earlier one that the driver finishes.
    exact: bool,
}

impl Target {
    /// What an opened compiler can make for a device.
    pub(super) fn of_device(capability: i32) -> Result<Self, String> {
        if capability < LEAST {
            return Err(format!(
                "compute capability {}.{} is less than the {}.{} that the kernels need",
                capability / 10,
                capability % 10,
                LEAST / 10,
                LEAST % 10
            ));
        }
        let known = known_capabilities()?;
        let best = known.into_iter().filter(|known| *known <= capability).max();
        match best {
            Some(best) if best >= LEAST => Ok(Self { capability: best, exact: best == capability }),
            _ => Err(format!("the kernels' compiler knows no device of capability {capability}")),
        }
    }

    fn option(self) -> String {
        let kind = if self.exact { "sm" } else { "compute" };
        format!("--gpu-architecture={kind}_{}", self.capability)
    }
}

/// The module of a shape's kernels: from the cache folder, else compiled and put there.
pub(super) fn module(
    shape: &Shape,
    precision: Precision,
    target: Target,
) -> Result<Vec<u8>, String> {
    let source = source(MACHINE);
    let options = options(shape, precision, target);
    let kept = cache_folder().map(|folder| {
        let name = digest(&source, &options).to_string().replace(':', "-");
        folder.join(format!("{name}.module"))
    });
    if let Some(bytes) = kept.as_ref().and_then(|path| std::fs::read(path).ok()) {
        return Ok(bytes);
    }
    let bytes = compile(&source, &options, target.exact)?;
    if let Some(path) = kept {
        // A cache that cannot be written costs a second at the next start, nothing more.
        let _ = keep(&path, &bytes);
    }
    Ok(bytes)
}

/// Writes a file whole or not at all, so that another process never reads half of it.
fn keep(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let temporary = path.with_extension(format!("{}.writing", std::process::id()));
    std::fs::write(&temporary, bytes)?;
    std::fs::rename(&temporary, path)
}

fn options(shape: &Shape, precision: Precision, target: Target) -> Vec<String> {
    let definitions = definitions(shape, precision).into_iter().map(|text| format!("-D{text}"));
    [target.option(), "--std=c++17".to_owned()].into_iter().chain(definitions).collect()
}

pub(super) fn cache_folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    variable("BIANQUE_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("bianque")))
        .or_else(|| variable("HOME").map(|folder| folder.join(".cache/bianque")))
        .map(|folder| folder.join("kernels"))
}

/// A program of the compiler, freed at the end.
struct Program(sys::nvrtcProgram);

impl Drop for Program {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: the program was made by `create_program` and is freed once, here. An error could
        // only say that there was nothing to free.
        let _ = unsafe { result::destroy_program(self.0) };
    }
}

/// Compiles: machine code where `exact`, else text for the driver.
#[allow(unsafe_code)]
fn compile(source: &str, options: &[String], exact: bool) -> Result<Vec<u8>, String> {
    let source = CString::new(source).map_err(|error| error.to_string())?;
    let program = result::create_program(&source, Some(c"bianque.cu"))
        .map_err(|error| format!("the kernels' compiler: {error:?}"))?;
    let program = Program(program);
    // SAFETY: the program is alive until the end of this function, and `source` longer.
    if let Err(error) = unsafe { result::compile_program(program.0, options) } {
        return Err(format!("the kernels do not compile: {error:?}\n{}", log(&program)));
    }
    let mut size = 0;
    // SAFETY: the program is alive, `size` is a place for the answer.
    let asked = unsafe {
        if exact {
            sys::nvrtcGetCUBINSize(program.0, &raw mut size)
        } else {
            sys::nvrtcGetPTXSize(program.0, &raw mut size)
        }
    };
    asked.result().map_err(|error| format!("the kernels' compiler: {error:?}"))?;
    let mut bytes = vec![0_u8; size];
    // SAFETY: `bytes` has the size that the compiler has just named for this program.
    let given = unsafe {
        if exact {
            sys::nvrtcGetCUBIN(program.0, bytes.as_mut_ptr().cast())
        } else {
            sys::nvrtcGetPTX(program.0, bytes.as_mut_ptr().cast())
        }
    };
    given.result().map_err(|error| format!("the kernels' compiler: {error:?}"))?;
    Ok(bytes)
}

#[allow(unsafe_code)]
fn log(program: &Program) -> String {
    // SAFETY: the program is alive.
    let log = unsafe { result::get_program_log(program.0) }.unwrap_or_default();
    let bytes: Vec<u8> = log.into_iter().map(|c| c as u8).take_while(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Compute capabilities that the compiler makes code for.
#[allow(unsafe_code)]
fn known_capabilities() -> Result<Vec<i32>, String> {
    let mut count = 0;
    // SAFETY: `count` is a place for the answer.
    unsafe { sys::nvrtcGetNumSupportedArchs(&raw mut count) }
        .result()
        .map_err(|error| format!("the kernels' compiler: {error:?}"))?;
    let mut known = vec![0; usize::try_from(count).unwrap_or(0)];
    // SAFETY: `known` has the number of places that the compiler has just named.
    unsafe { sys::nvrtcGetSupportedArchs(known.as_mut_ptr()) }
        .result()
        .map_err(|error| format!("the kernels' compiler: {error:?}"))?;
    Ok(known)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::PathBuf, process::Command};

    use bianque_testkit::surroundings;

    use super::*;
    use crate::{
        cuda::{libraries, tests::transformers},
        recipe::Precision,
    };

    /// The compiler that comes with PyTorch, opened.
    fn compiler() -> bool {
        let Some(python) = surroundings::python() else { return false };
        let script = "import nvidia.cuda_nvrtc as package; print(list(package.__path__)[0])";
        let answer = Command::new(python).args(["-c", script]).output().unwrap();
        assert!(answer.status.success(), "no package nvidia.cuda_nvrtc beside PyTorch");
        let folder = PathBuf::from(String::from_utf8(answer.stdout).unwrap().trim());
        libraries::open_compiler(&folder.join("lib")).unwrap();
        true
    }

    /// Every kernel, for every shape of head and row among the recipes, on Ampere and Hopper.
    #[test]
    fn the_kernels_of_every_recipe_compile() {
        if !compiler() {
            return;
        }
        let source = source(MACHINE);
        let mut done = BTreeSet::new();
        for recipe in transformers() {
            for precision in [Precision::Bf16, Precision::F16, Precision::F32] {
                let shape = Shape::new(&recipe, precision).unwrap();
                for capability in [80, 90] {
                    // A half differs from a bfloat16 in two conversions and the products' name.
                    if precision != Precision::Bf16 && (capability == 80 || shape.dim != 1024) {
                        continue;
                    }
                    let target = Target { capability, exact: true };
                    let options = options(&shape, precision, target);
                    let heads = options.iter().filter(|option| !option.starts_with("-DHEADS="));
                    if !done.insert(heads.cloned().collect::<Vec<_>>()) {
                        continue;
                    }
                    let bytes = compile(&source, &options, true);
                    let bytes = bytes.unwrap_or_else(|error| panic!("{}: {error}", recipe.name));
                    assert!(bytes.starts_with(b"\x7fELF"), "{options:?}");
                    let names = String::from_utf8_lossy(&bytes);
                    for kernel in crate::cuda::plan::Kernel::ALL {
                        assert!(names.contains(&format!(".text.{}", kernel.name())), "{kernel:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_device_that_the_compiler_does_not_know_gets_earlier_code() {
        if !compiler() {
            return;
        }
        assert_eq!(Target::of_device(90), Ok(Target { capability: 90, exact: true }));
        let later = Target::of_device(999).unwrap();
        assert!(!later.exact && later.capability >= 90 && later.option().contains("compute_"));
        assert!(Target::of_device(75).unwrap_err().contains("7.5"));
        let shape = Shape::new(&transformers()[0], Precision::Bf16).unwrap();
        let options = options(&shape, Precision::Bf16, Target { capability: 90, exact: false });
        let text = compile(&source(MACHINE), &options, false).unwrap();
        assert!(String::from_utf8_lossy(&text).contains(".entry attend"));
    }

    #[test]
    fn a_mistake_is_shown_with_file_and_line() {
        if !compiler() {
            return;
        }
        let source = format!("{}\nmistake", source(MACHINE));
        let shape = Shape::new(&transformers()[0], Precision::Bf16).unwrap();
        let target = Target { capability: 90, exact: true };
        let said = compile(&source, &options(&shape, Precision::Bf16, target), true).unwrap_err();
        assert!(said.contains("pooling.cu("), "{said}");
    }
}
