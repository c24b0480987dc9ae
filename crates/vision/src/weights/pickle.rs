//! The part of Python's pickle format that a file of tensors needs, and nothing that runs code.
//!
//! A pickle is a program for a small stack machine (Python's `pickletools` documents each
//! instruction). This reader knows those instructions that build plain data, and of all callables
//! only the few by which PyTorch writes a tensor; it calls none of them, but notes what they were
//! given. Whatever else a file asks for ends the reading with its name.

use std::collections::BTreeMap;

use super::refused_name;

/// The longest pickle that is believed: one of ten thousand tensors has 2 MB.
pub(super) const LONGEST: u64 = 16 << 20;
/// The most values that are kept: bounds memory at some hundred bytes each.
const MOST_VALUES: usize = 2 << 20;
/// The most arguments of a call.
const MOST_ARGUMENTS: usize = 8;
/// The longest name of a storage; PyTorch counts them.
const LONGEST_KEY: usize = 64;

/// A value's number among [`Pickle::values`].
pub(super) type Id = usize;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    None,
    /// A number or a truth value; fractions are kept as what they are not needed for.
    Integer(i64),
    Fraction,
    Text(String),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dictionary(Vec<(Id, Id)>),
    /// A name that may be called or referred to.
    Global(Global),
    Storage(Storage),
    Tensor(Tensor),
}

/// What a pickle may refer to by name.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Size,
    Element(Element),
}

/// The type of a storage's values.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

impl Element {
    /// Bytes of one value.
    pub(super) fn width(self) -> u64 {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::BF16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }
}

/// A run of values in a file of its own beside the pickle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Storage {
    pub(super) key: String,
    pub(super) element: Element,
    /// Number of values.
    pub(super) length: u64,
}

/// A view of a storage. Nothing of it is checked against the storage yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tensor {
    pub(super) storage: Storage,
    /// Values before the first.
    pub(super) offset: u64,
    pub(super) shape: Vec<u64>,
    /// Values from one index to the next, an axis each.
    pub(super) strides: Vec<u64>,
}

/// What a pickle holds.
#[derive(Debug)]
pub(super) struct Pickle {
    values: Vec<Value>,
    root: Id,
}

impl Pickle {
    /// Reads a pickle.
    ///
    /// # Errors
    /// With what is malformed or not allowed, for a message.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut machine = Machine { bytes, at: 0, ..Machine::default() };
        loop {
            let place = machine.at;
            let code = machine.byte()?;
            match machine.step(code) {
                Ok(None) => {}
                Ok(Some(root)) => return Ok(Self { values: machine.values, root }),
                Err(what) => return Err(format!("at byte {place} of its pickle: {what}")),
            }
        }
    }

    /// The value that the whole pickle stands for.
    pub(super) fn root(&self) -> Id {
        self.root
    }

    /// A value.
    pub(super) fn value(&self, id: Id) -> &Value {
        &self.values[id]
    }
}

#[derive(Default)]
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack at the marks that stand.
    marks: Vec<usize>,
    memo: BTreeMap<u32, Id>,
}

type Step<T> = Result<T, String>;

impl<'a> Machine<'a> {
    /// Carries one instruction out; gives the result at the last one.
    fn step(&mut self, code: u8) -> Step<Option<Id>> {
        match code {
            // PROTO and FRAME: the version, and a length that only helps to read ahead.
            0x80 => self.protocol()?,
            0x95 => drop(self.take(8)?),
            b'.' => return self.pop().map(Some),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'N' => self.push(Value::None)?,
            0x88 => self.push(Value::Integer(1))?,
            0x89 => self.push(Value::Integer(0))?,
            b'J' | b'K' | b'M' | 0x8a => self.integer(code)?,
            b'G' => {
                self.take(8)?;
                self.push(Value::Fraction)?;
            }
            b'X' | 0x8c => self.text(code)?,
            b')' => self.push(Value::Tuple(Vec::new()))?,
            b']' => self.push(Value::List(Vec::new()))?,
            b'}' => self.push(Value::Dictionary(Vec::new()))?,
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Tuple(items))?;
            }
            0x85..=0x87 => {
                let items = self.pop_last(usize::from(code - 0x84))?;
                self.push(Value::Tuple(items))?;
            }
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.append(&items)?;
            }
            b's' => {
                let items = self.pop_last(2)?;
                self.set(&items)?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set(&items)?;
            }
            b'q' | b'r' | 0x94 => self.remember(code)?,
            b'h' | b'j' => self.recall(code)?,
            b'c' | 0x93 => self.global(code)?,
            b'R' => self.reduce()?,
            b'b' => self.build()?,
            b'Q' => self.storage()?,
            _ => return Err(format!("instruction {} is not allowed", name_of(code))),
        }
        Ok(None)
    }

    fn take(&mut self, count: usize) -> Step<&'a [u8]> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else { return Err("it ends in the middle".to_owned()) };
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Step<u8> {
        Ok(self.take(1)?[0])
    }

    /// A little-endian number of up to eight bytes.
    fn number(&mut self, bytes: usize) -> Step<u64> {
        let taken = self.take(bytes)?;
        Ok(taken.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn line(&mut self) -> Step<&'a str> {
        let rest = &self.bytes[self.at..];
        let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
            return Err("it ends in the middle of a name".to_owned());
        };
        self.at += length + 1;
        std::str::from_utf8(&rest[..length]).map_err(|_| "a name is no UTF-8".to_owned())
    }

    fn push(&mut self, value: Value) -> Step<()> {
        if self.values.len() >= MOST_VALUES {
            return Err(format!("it has more than {MOST_VALUES} values"));
        }
        self.stack.push(self.values.len());
        self.values.push(value);
        Ok(())
    }

    /// Where the stack ends for instructions that do not look behind a mark.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Step<Id> {
        Ok(self.pop_last(1)?[0])
    }

    fn pop_last(&mut self, count: usize) -> Step<Vec<Id>> {
        match self.stack.len().checked_sub(count).filter(|from| *from >= self.floor()) {
            Some(from) => Ok(self.stack.split_off(from)),
            None => Err("an instruction lacks its operands".to_owned()),
        }
    }

    fn pop_to_mark(&mut self) -> Step<Vec<Id>> {
        match self.marks.pop() {
            Some(from) => Ok(self.stack.split_off(from.min(self.stack.len()))),
            None => Err("an instruction lacks its mark".to_owned()),
        }
    }

    /// The value on top, which stays there.
    fn top(&mut self) -> Step<&mut Value> {
        let floor = self.floor();
        match self.stack.get(floor..).and_then(<[Id]>::last) {
            Some(id) => Ok(&mut self.values[*id]),
            None => Err("an instruction lacks its operand".to_owned()),
        }
    }

    fn protocol(&mut self) -> Step<()> {
        match self.byte()? {
            2..=5 => Ok(()),
            version => Err(format!("pickle protocol {version} is unknown")),
        }
    }

    fn integer(&mut self, code: u8) -> Step<()> {
        let value = match code {
            b'K' => i64::from(self.byte()?),
            b'M' => self.number(2)? as i64,
            b'J' => i64::from(self.number(4)? as u32 as i32),
            _ => match self.byte()? {
                0 => 0,
                bytes @ 1..=8 => {
                    let unused = 64 - 8 * u32::from(bytes);
                    (self.number(usize::from(bytes))? as i64) << unused >> unused
                }
                bytes => return Err(format!("a number of {bytes} bytes")),
            },
        };
        self.push(Value::Integer(value))
    }

    fn text(&mut self, code: u8) -> Step<()> {
        let length = self.number(if code == b'X' { 4 } else { 1 })?;
        let bytes = self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        match std::str::from_utf8(bytes) {
            Ok(text) => self.push(Value::Text(text.to_owned())),
            Err(_) => Err("a text is no UTF-8".to_owned()),
        }
    }

    fn append(&mut self, items: &[Id]) -> Step<()> {
        match self.top()? {
            Value::List(list) => list.extend_from_slice(items),
            _ => return Err("an item is appended to what is no list".to_owned()),
        }
        Ok(())
    }

    fn set(&mut self, items: &[Id]) -> Step<()> {
        let (pairs, []) = items.as_chunks::<2>() else {
            return Err("a key without its value".to_owned());
        };
        match self.top()? {
            Value::Dictionary(entries) => entries.extend(pairs.iter().map(|[k, v]| (*k, *v))),
            _ => return Err("an entry is set in what is no dictionary".to_owned()),
        }
        Ok(())
    }

    fn remember(&mut self, code: u8) -> Step<()> {
        let index = match code {
            b'q' => u32::from(self.byte()?),
            b'r' => self.number(4)? as u32,
            _ => self.memo.len() as u32,
        };
        let Some(id) = self.stack.last() else {
            return Err("nothing to remember".to_owned());
        };
        self.memo.insert(index, *id);
        Ok(())
    }

    fn recall(&mut self, code: u8) -> Step<()> {
        let index = if code == b'h' { u32::from(self.byte()?) } else { self.number(4)? as u32 };
        match self.memo.get(&index) {
            Some(id) => self.stack.push(*id),
            None => return Err(format!("value {index} was never remembered")),
        }
        if self.stack.len() > MOST_VALUES {
            return Err(format!("its stack holds more than {MOST_VALUES} values"));
        }
        Ok(())
    }

    fn global(&mut self, code: u8) -> Step<()> {
        let (module, name) = if code == b'c' {
            (self.line()?.to_owned(), self.line()?.to_owned())
        } else {
            let ids = self.pop_last(2)?;
            match (&self.values[ids[0]], &self.values[ids[1]]) {
                (Value::Text(module), Value::Text(name)) => (module.clone(), name.clone()),
                _ => return Err("a global without a name".to_owned()),
            }
        };
        match allowed(&module, &name) {
            Some(global) => self.push(Value::Global(global)),
            None => Err(refused_name::told(&module, &name, &self.bytes[self.at..])),
        }
    }

    /// A call, of which only the arguments are noted.
    fn reduce(&mut self) -> Step<()> {
        let ids = self.pop_last(2)?;
        let Value::Tuple(arguments) = &self.values[ids[1]] else {
            return Err("a call without arguments".to_owned());
        };
        // The longest call has eight; a long one, repeated, would cost its square.
        if arguments.len() > MOST_ARGUMENTS {
            return Err(format!("a call with {} arguments", arguments.len()));
        }
        let arguments = arguments.clone();
        match self.values[ids[0]] {
            Value::Global(Global::OrderedDict) if arguments.is_empty() => {
                self.push(Value::Dictionary(Vec::new()))
            }
            Value::Global(Global::RebuildTensor) => {
                let tensor = self.tensor(&arguments)?;
                self.push(Value::Tensor(tensor))
            }
            // A parameter is its tensor; a shape is its tuple.
            Value::Global(Global::RebuildParameter | Global::Size) if !arguments.is_empty() => {
                self.stack.push(arguments[0]);
                Ok(())
            }
            _ => Err("a call of what cannot be called so".to_owned()),
        }
    }

    /// `_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks, ...)`.
    fn tensor(&self, arguments: &[Id]) -> Step<Tensor> {
        let [storage, offset, shape, strides, ..] = arguments else {
            return Err("a tensor lacks its parts".to_owned());
        };
        let Value::Storage(storage) = &self.values[*storage] else {
            return Err("a tensor lacks its storage".to_owned());
        };
        Ok(Tensor {
            storage: storage.clone(),
            offset: self.natural(*offset)?,
            shape: self.naturals(*shape)?,
            strides: self.naturals(*strides)?,
        })
    }

    fn natural(&self, id: Id) -> Step<u64> {
        match self.values[id] {
            Value::Integer(number) if number >= 0 => Ok(number as u64),
            _ => Err("a tensor's size or place is no natural number".to_owned()),
        }
    }

    fn naturals(&self, id: Id) -> Step<Vec<u64>> {
        match &self.values[id] {
            Value::Tuple(ids) | Value::List(ids) if ids.len() <= 8 => {
                ids.iter().map(|id| self.natural(*id)).collect()
            }
            _ => Err("a tensor's shape is none".to_owned()),
        }
    }

    /// Attributes of an object. A dictionary of tensors carries its version numbers so.
    fn build(&mut self) -> Step<()> {
        self.pop()?;
        match self.top()? {
            Value::Dictionary(_) => Ok(()),
            _ => Err("attributes are set on what has none".to_owned()),
        }
    }

    /// `('storage', type, key, device, length)`.
    fn storage(&mut self) -> Step<()> {
        let id = self.pop()?;
        let Value::Tuple(parts) = &self.values[id] else {
            return Err("a storage lacks its parts".to_owned());
        };
        let parts: Vec<&Value> = parts.iter().map(|id| &self.values[*id]).collect();
        let [
            Value::Text(kind),
            Value::Global(Global::Element(element)),
            Value::Text(key),
            _,
            length,
        ] = parts[..]
        else {
            return Err("a storage lacks its parts".to_owned());
        };
        let Value::Integer(length @ 0..) = *length else {
            return Err("a storage's length is no natural number".to_owned());
        };
        if key.len() > LONGEST_KEY {
            return Err(format!("a storage's name is longer than {LONGEST_KEY} bytes"));
        }
        if kind != "storage" {
            return Err(format!("it refers to '{}' outside", shown("", kind)));
        }
        let storage =
            Storage { key: key.clone(), element: *element, length: length.unsigned_abs() };
        self.push(Value::Storage(storage))
    }
}

/// The names that a file of tensors needs; everything else is refused.
pub(super) fn allowed(module: &str, name: &str) -> Option<Global> {
    Some(match (module, name) {
        ("collections", "OrderedDict") => Global::OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => Global::RebuildTensor,
        ("torch._utils", "_rebuild_parameter") => Global::RebuildParameter,
        ("torch", "Size") => Global::Size,
        ("torch", "DoubleStorage") => Global::Element(Element::F64),
        ("torch", "FloatStorage") => Global::Element(Element::F32),
        ("torch", "HalfStorage") => Global::Element(Element::F16),
        ("torch", "BFloat16Storage") => Global::Element(Element::BF16),
        ("torch", "LongStorage") => Global::Element(Element::I64),
        ("torch", "IntStorage") => Global::Element(Element::I32),
        ("torch", "ShortStorage") => Global::Element(Element::I16),
        ("torch", "CharStorage") => Global::Element(Element::I8),
        ("torch", "ByteStorage") => Global::Element(Element::U8),
        ("torch", "BoolStorage") => Global::Element(Element::Bool),
        _ => return None,
    })
}

/// A name from a file, short and printable.
pub(super) fn shown(module: &str, name: &str) -> String {
    let full = if module.is_empty() { name.to_owned() } else { format!("{module}.{name}") };
    full.chars().take(80).flat_map(char::escape_default).collect()
}

/// An instruction's name where it is one that hostile and unusual files use.
fn name_of(code: u8) -> String {
    let name = match code {
        b'i' => "INST",
        b'o' => "OBJ",
        0x81 => "NEWOBJ",
        0x92 => "NEWOBJ_EX",
        0x82..=0x84 => "EXT",
        b'P' => "PERSID",
        b'B' | b'C' | 0x8e | 0x96 => "BYTES",
        0x8f..=0x91 => "SET",
        b'I' | b'L' | b'F' | b'S' | b'V' | b'd' | b'l' | b'p' | b'g' => "of protocol 0",
        _ => "",
    };
    format!("0x{code:02x} {name}").trim_end().to_owned()
}

#[cfg(test)]
#[path = "pickle_tests.rs"]
mod tests;
