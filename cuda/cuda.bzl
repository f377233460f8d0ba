"""Rules for kernels: compiled by nvcc for GPUs (--config=cuda), or by the host's compiler for the emulator."""

load("@local_cuda//:toolkit.bzl", "CUDA_HOME", "HAS_HEADERS", "HAS_NVCC")
load("@rules_cc//cc:defs.bzl", "cc_library")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")
load("//runtime:defs.bzl", "COPTS")

# A100; A40, A10 and RTX 30; L4 and RTX 40; H100. The last one's PTX serves newer devices.
_ARCHITECTURES = [80, 86, 89, 90]

_NVCC_FLAGS = [
    "-O3",
    "-std=c++20",
    "-lineinfo",
    "-Werror=all-warnings",
    "-Xptxas=-v,--warn-on-spills",
    "-Xcompiler=-fPIC,-Wall,-Wextra",
]

# Vectors are loaded by reinterpret_cast, which nvcc allows; unrolling is a hint to nvcc; thread and
# block indices are unsigned by CUDA's definition and computed with as int, which nvcc takes without
# a word.
EMULATED_COPTS = [
    "-fno-strict-aliasing",
    "-Wno-pass-failed",
    "-Wno-sign-conversion",
    "-Wno-unknown-pragmas",
]

# What needs the toolkit's headers, and what needs nvcc and --config=cuda.
HEADERS_ONLY = [] if HAS_HEADERS else ["@platforms//:incompatible"]
CUDA_ONLY = select({
    "//cuda:is_enabled": [] if HAS_NVCC else ["@platforms//:incompatible"],
    "//conditions:default": ["@platforms//:incompatible"],
})

def _flag_impl(_ctx):
    return []

cuda_flag = rule(
    implementation = _flag_impl,
    build_setting = config.bool(flag = True),
    doc = "Set by --config=cuda.",
)

def _cuda_objects_impl(ctx):
    gencode = ["-gencode=arch=compute_%d,code=sm_%d" % (a, a) for a in _ARCHITECTURES]
    gencode.append("-gencode=arch=compute_90,code=compute_90")
    objects = []
    reports = []
    for src in ctx.files.srcs:
        stem = ctx.label.name + "/" + src.basename[:-len(src.extension) - 1]
        obj = ctx.actions.declare_file(stem + ".pic.o")
        report = ctx.actions.declare_file(stem + ".ptxas.txt")
        ctx.actions.run_shell(
            inputs = [src] + ctx.files.hdrs,
            outputs = [obj, report],
            # ptxas reports on stderr; what else is there is shown.
            command = '"$1/bin/nvcc" "${@:4}" -c -o "$2" 2> "$3" || { cat "$3" >&2; exit 1; }; ' +
                      'grep -v -e "ptxas info" -e "bytes stack frame" "$3" >&2 || true',
            arguments = [CUDA_HOME, obj.path, report.path, "-I."] + _NVCC_FLAGS + gencode + [src.path],
            mnemonic = "CudaCompile",
            progress_message = "Compiling %s for GPUs" % src.short_path,
            use_default_shell_env = True,
        )
        objects.append(obj)
        reports.append(report)
    return [
        DefaultInfo(files = depset(objects)),
        OutputGroupInfo(ptxas = depset(reports)),
    ]

_cuda_objects = rule(
    implementation = _cuda_objects_impl,
    attrs = {
        "hdrs": attr.label_list(allow_files = [".h", ".cuh"]),
        "srcs": attr.label_list(allow_files = [".cu"]),
    },
)

def cuda_library(name, srcs, hdrs, private_hdrs):
    """`name`: for GPUs. `name`_emulated: for the emulator. `name`_ptxas: ptxas's report per source."""
    _cuda_objects(
        name = name + "_objects",
        srcs = srcs,
        hdrs = hdrs + private_hdrs,
        target_compatible_with = CUDA_ONLY,
    )
    native.filegroup(
        name = name + "_ptxas",
        srcs = [name + "_objects"],
        output_group = "ptxas",
    )
    cc_library(
        name = name,
        srcs = [name + "_objects"],
        hdrs = hdrs,
        linkstatic = True,
        target_compatible_with = CUDA_ONLY,
        alwayslink = True,  # whatever the order in which the linker meets it and what calls it
        deps = ["//third_party:cuda_cudart"],
    )

    # The host's compiler takes no .cu: each gets a file that includes it.
    wrappers = []
    for src in srcs:
        wrapper = "emulated/" + src[:-len(".cu")] + ".cc"
        native.genrule(
            name = name + "_emulated_" + src[:-len(".cu")],
            outs = [wrapper],
            cmd = "echo '#include \"%s/%s\"' > $@" % (native.package_name(), src),
        )
        wrappers.append(wrapper)
    cc_library(
        name = name + "_emulated",
        srcs = wrappers,
        hdrs = hdrs + private_hdrs,
        copts = COPTS + EMULATED_COPTS,
        target_compatible_with = HEADERS_ONLY,
        textual_hdrs = srcs,
        alwayslink = True,
        deps = ["//cuda/emu:emulator"],
    )
