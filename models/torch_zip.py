"""Reads tensors from a PyTorch checkpoint (.pth, zip format) without PyTorch.

Goals: a checkpoint from a stranger can do nothing but yield tensors. The pickle inside is run by
the small machine below, which has no way to import, call or build anything else; every size and
offset is checked before memory is taken for it.
Non-goals: the format from before PyTorch 1.6, quantised or sparse tensors, optimizer states.

    with TorchZip("model.pth") as checkpoint:
        checkpoint.tensors["encoder.after_norm.weight"].shape
        checkpoint.read("encoder.after_norm.weight")      # numpy array
"""

import math
import os
import pickletools
import sys
import zipfile

import numpy as np

from bad_input import BadInput

MAX_PICKLE_BYTES = 16 << 20  # OWSM medium's is 0.2 MB
MAX_AXES = 8
LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
WRAPPERS = ("module", "model", "state_dict")  # keys under which training tools nest the tensors

# Storage class -> (name, numpy type of the raw little-endian elements).
STORAGES = {
    "DoubleStorage": ("f64", "<f8"),
    "FloatStorage": ("f32", "<f4"),
    "HalfStorage": ("f16", "<f2"),
    "BFloat16Storage": ("bf16", "<u2"),
    "LongStorage": ("i64", "<i8"),
    "IntStorage": ("i32", "<i4"),
    "ShortStorage": ("i16", "<i2"),
    "CharStorage": ("i8", "i1"),
    "ByteStorage": ("u8", "u1"),
    "BoolStorage": ("bool", "?"),
}
REBUILD_TENSOR = ("torch._utils", "_rebuild_tensor_v2")
REBUILD_PARAMETER = ("torch._utils", "_rebuild_parameter")
ORDERED_DICT = ("collections", "OrderedDict")


class Storage:
    """A named run of elements in the zip; `count` is the pickle's claim, checked on reading."""

    def __init__(self, kind, key, count):
        self.dtype, self.raw_dtype = STORAGES[kind]
        self.key = key
        self.count = count


class Tensor:
    """A strided view of a storage; shape, strides and offset in elements, checked to fit."""

    def __init__(self, storage, offset, shape, strides):
        self.storage = storage
        self.offset = offset
        self.shape = shape
        self.strides = strides
        self.dtype = storage.dtype


class _Global:
    """An allowed name from the pickle. Compared, never called."""

    def __init__(self, name):
        self.name = name


class _Mark:
    pass


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 48


def _rebuild_tensor(args):
    if len(args) < 4 or not isinstance(args[0], Storage):
        raise BadInput("a tensor is built from something that is no storage")
    storage, offset, shape, strides = args[:4]
    good = (
        _is_count(offset)
        and isinstance(shape, tuple)
        and isinstance(strides, tuple)
        and len(shape) == len(strides) <= MAX_AXES
        and all(map(_is_count, shape + strides))
    )
    if not good:
        raise BadInput("a tensor has an impossible shape, stride or offset")
    return Tensor(storage, offset, shape, strides)


class _PickleMachine:
    """Runs the opcodes that torch.save writes for a dictionary of tensors, and no other."""

    CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
    LITERALS = {
        "BININT",
        "BININT1",
        "BININT2",
        "LONG1",
        "LONG4",
        "BINFLOAT",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE8",
    }
    EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
    TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}

    def __init__(self):
        self.stack = []
        self.memo = {}

    def run(self, data):
        for opcode, arg, _ in pickletools.genops(data):
            name = opcode.name
            if name == "STOP":
                return self.pop()
            if name in self.LITERALS:
                self.stack.append(arg)
            elif name in self.CONSTANTS:
                self.stack.append(self.CONSTANTS[name])
            elif name in self.EMPTY:
                self.stack.append(self.EMPTY[name]())
            elif name in self.TUPLES:
                items = [self.pop() for _ in range(self.TUPLES[name])]
                self.stack.append(tuple(reversed(items)))
            else:
                handler = getattr(self, "op_" + name.lower(), None)
                if handler is None:
                    raise BadInput("opcode %s is not one that a tensor dictionary needs" % name)
                handler(arg)
        raise BadInput("ends without STOP")

    def pop(self):
        if not self.stack or self.stack[-1] is _Mark:
            raise BadInput("stack underflow")
        return self.stack.pop()

    def pop_to_mark(self):
        items = []
        while self.stack and self.stack[-1] is not _Mark:
            items.append(self.stack.pop())
        if not self.stack:
            raise BadInput("mark is missing")
        self.stack.pop()
        items.reverse()
        return items

    def top(self, kind):
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise BadInput("%s expected on the stack" % kind.__name__)
        return self.stack[-1]

    def op_proto(self, arg):
        pass

    op_frame = op_proto

    def op_mark(self, arg):
        self.stack.append(_Mark)

    def op_tuple(self, arg):
        self.stack.append(tuple(self.pop_to_mark()))

    def op_binput(self, arg):
        if not self.stack or self.stack[-1] is _Mark:
            raise BadInput("nothing to remember")
        self.memo[arg] = self.stack[-1]

    op_long_binput = op_binput

    def op_memoize(self, arg):
        self.op_binput(len(self.memo))

    def op_binget(self, arg):
        if arg not in self.memo:
            raise BadInput("memo %r was never set" % arg)
        self.stack.append(self.memo[arg])

    op_long_binget = op_binget

    def op_append(self, arg):
        item = self.pop()
        self.top(list).append(item)

    def op_appends(self, arg):
        items = self.pop_to_mark()
        self.top(list).extend(items)

    def op_setitem(self, arg):
        value = self.pop()
        self.set_items([self.pop(), value])

    def op_setitems(self, arg):
        self.set_items(self.pop_to_mark())

    def set_items(self, items):
        if len(items) % 2:
            raise BadInput("a key without a value")
        target = self.top(dict)
        for key, value in zip(items[0::2], items[1::2]):
            # Other keys would call foreign __hash__ and __eq__, or recurse without bound in tuples.
            if type(key) not in (str, int):
                raise BadInput("a dictionary key is neither text nor a number")
            target[key] = value

    def op_global(self, arg):
        # pickletools joins module and name with a space.
        self.push_global(*arg.split(" ", 1))

    def op_stack_global(self, arg):
        name, module = self.pop(), self.pop()
        if not isinstance(module, str) or not isinstance(name, str):
            raise BadInput("a name that is no text")
        self.push_global(module, name)

    def push_global(self, module, name):
        full = (module, name)
        storage = module == "torch" and name in STORAGES
        if not storage and full not in (REBUILD_TENSOR, REBUILD_PARAMETER, ORDERED_DICT):
            raise BadInput(
                "refers to %s.%s; only tensors in dictionaries are read, nothing else is ever "
                "imported or called" % (module[:80], name[:80])
            )
        self.stack.append(_Global(full))

    def op_binpersid(self, arg):
        ident = self.pop()
        good = (
            isinstance(ident, tuple)
            and len(ident) == 5
            and ident[0] == "storage"
            and isinstance(ident[1], _Global)
            and ident[1].name[1] in STORAGES
            and isinstance(ident[2], str)
            and _is_count(ident[4])
        )
        if not good:
            raise BadInput("a storage reference is malformed")
        self.stack.append(Storage(ident[1].name[1], ident[2], ident[4]))

    def op_reduce(self, arg):
        args, function = self.pop(), self.pop()
        if not isinstance(function, _Global) or not isinstance(args, tuple):
            raise BadInput("a call of something that is no known function")
        if function.name == REBUILD_TENSOR:
            result = _rebuild_tensor(args)
        elif function.name == REBUILD_PARAMETER and args and isinstance(args[0], Tensor):
            result = args[0]
        elif function.name == ORDERED_DICT and not args:
            result = {}
        else:
            raise BadInput("%s.%s is called with unexpected arguments" % function.name)
        self.stack.append(result)

    def op_build(self, arg):
        self.pop()  # a state dictionary's `_metadata` attribute: version numbers, of no use here
        self.top(dict)


def _tensors_of(root, path):
    """The name -> Tensor part of the unpickled object, out of a wrapper if there is one."""
    if not isinstance(root, dict):
        raise BadInput(
            "%s: holds a %s, expected a dictionary of tensors" % (path, type(root).__name__)
        )
    for _ in range(3):
        if any(isinstance(value, Tensor) for value in root.values()):
            break
        inner = [root[key] for key in WRAPPERS if isinstance(root.get(key), dict)]
        if len(inner) != 1:
            raise BadInput("%s: holds no tensors" % path)
        root = inner[0]
    return {k: v for k, v in root.items() if isinstance(k, str) and isinstance(v, Tensor)}


class TorchZip:
    """One open checkpoint. `tensors` maps names to Tensor; nothing is loaded before `read`."""

    def __init__(self, path):
        self.path = path
        self.cached = (None, None)  # key and bytes of the storage read last
        try:
            self.file = open(path, "rb")
        except OSError as error:
            raise BadInput("%s: %s" % (path, error.strerror))
        try:
            self.open_zip()
            self.tensors = self.unpickle()
        except BaseException:
            self.file.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.file.close()

    def open_zip(self):
        head = self.file.read(512)
        if head.startswith(LEGACY_MAGIC) or b"ustar" in head:
            raise BadInput(
                "%s: PyTorch's format from before version 1.6; load it with PyTorch and "
                "save it again with torch.save" % self.path
            )
        try:
            self.zip = zipfile.ZipFile(self.file)
            entries = self.zip.infolist()
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            ValueError,
            OverflowError,
            EOFError,
        ) as error:
            raise BadInput("%s: not a PyTorch checkpoint (zip): %s" % (self.path, error))
        for entry in entries:
            if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
                raise BadInput(
                    "%s: entry %s is compressed or encrypted; PyTorch stores plain bytes"
                    % (self.path, entry.filename)
                )
        # Stored entries that share bytes are how a small zip claims to be a large one.
        if sum(entry.file_size for entry in entries) > os.fstat(self.file.fileno()).st_size:
            raise BadInput("%s: entries are larger than the file" % self.path)
        pickles = [e.filename for e in entries if e.filename.split("/")[1:] == ["data.pkl"]]
        if len(pickles) != 1:
            raise BadInput("%s: %d data.pkl in the zip, expected 1" % (self.path, len(pickles)))
        self.prefix = pickles[0][: -len("data.pkl")]
        if len({e.filename for e in entries}) != len(entries):
            raise BadInput("%s: an entry occurs twice in the zip" % self.path)
        self.entries = {entry.filename: entry for entry in entries}
        if self.prefix + "byteorder" in self.entries:
            order = self.bytes_of(self.prefix + "byteorder", 16)
            if order.strip() != b"little":
                raise BadInput("%s: byte order %r, expected little" % (self.path, order))

    def bytes_of(self, name, limit):
        entry = self.entries[name]
        if entry.file_size > limit:
            raise BadInput(
                "%s: %s has %d bytes, at most %d are read"
                % (self.path, name, entry.file_size, limit)
            )
        try:
            data = self.zip.read(entry)
        except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, OSError) as error:
            raise BadInput("%s: %s cannot be read: %s" % (self.path, name, error))
        if len(data) != entry.file_size:
            raise BadInput("%s: %s is cut short" % (self.path, name))
        return data

    def unpickle(self):
        data = self.bytes_of(self.prefix + "data.pkl", MAX_PICKLE_BYTES)
        try:
            root = _PickleMachine().run(data)
        except BadInput as error:
            raise BadInput("%s: data.pkl %s" % (self.path, error))
        except (ValueError, UnicodeError, OverflowError) as error:  # from pickletools' parser
            raise BadInput("%s: data.pkl is damaged: %s" % (self.path, str(error)[:200]))
        return _tensors_of(root, self.path)

    def read(self, name):
        """The tensor as a contiguous array; bf16 becomes f32, other types stay as they are."""
        tensor = self.tensors[name]
        storage = tensor.storage
        item = np.dtype(storage.raw_dtype)
        key = self.prefix + "data/" + storage.key
        where = "%s: tensor %s" % (self.path, name)
        if key not in self.entries:
            raise BadInput("%s: its storage %s is missing" % (where, storage.key))
        stored = self.entries[key].file_size
        if stored < storage.count * item.itemsize:
            raise BadInput(
                "%s: storage %s has %d bytes, expected %d (truncated file?)"
                % (where, storage.key, stored, storage.count * item.itemsize)
            )
        count = math.prod(tensor.shape)
        last = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides))
        # More elements than the storage has would be a broadcast view: memory from nothing.
        if count > storage.count or (count and last >= storage.count):
            raise BadInput(
                "%s: shape %s, strides %s, offset %d reach outside its storage of %d"
                % (where, tensor.shape, tensor.strides, tensor.offset, storage.count)
            )
        if count == 0:
            return np.zeros(tensor.shape, dtype=np.float32)
        if self.cached[0] != key:
            self.cached = (None, None)
            self.cached = (key, self.bytes_of(key, sys.maxsize))
        flat = np.frombuffer(self.cached[1], dtype=item, count=storage.count)
        view = np.lib.stride_tricks.as_strided(
            flat[tensor.offset :],
            shape=tensor.shape,
            strides=[s * item.itemsize for s in tensor.strides],
            writeable=False,
        )
        if storage.dtype == "bf16":
            return (np.ascontiguousarray(view).astype(np.uint32) << 16).view(np.float32)
        return np.ascontiguousarray(view)
