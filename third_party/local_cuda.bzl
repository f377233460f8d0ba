"""The CUDA toolkit on this machine: $CUDA_HOME, the folder above the nvcc on PATH, or /usr/local/cuda.

Headers alone make the emulated build (cuda/emu); with nvcc the kernels are compiled for GPUs too
(--config=cuda). What is absent becomes a target that no platform is compatible with, and the reason
is printed once.
"""

_NEEDED_HEADERS = ["cuda_runtime_api.h", "cuda_fp16.h", "cuda_bf16.h", "cublasLt.h"]
_NEEDED_LIBRARIES = ["libcudart_static.a", "libcublasLt.so"]

_HEADERS = """
cc_library(
    name = "headers",
    hdrs = glob(["include/*.h", "include/*.hpp", "include/crt/*", "include/nv/**"]),
    includes = ["include"],
)
"""

_RUNTIME = """
cc_library(
    name = "cudart",
    srcs = ["lib64/libcudart_static.a"],
    linkopts = ["-ldl", "-lrt", "-pthread"],
    deps = [":headers"],
)

# Shared: the static one is an archive of hundreds of megabytes.
cc_library(
    name = "cublaslt",
    linkopts = ["-L{home}/lib64", "-Wl,-rpath,{home}/lib64", "-lcublasLt"],
    deps = [":headers"],
)
"""

_MISSING = """
cc_library(
    name = "{name}",
    target_compatible_with = ["@platforms//:incompatible"],
)
"""

def _find_home(ctx):
    nvcc = ctx.which("nvcc")
    candidates = [ctx.os.environ.get("CUDA_HOME") or "", str(nvcc.dirname.dirname) if nvcc else "", "/usr/local/cuda"]
    for home in candidates:
        if home and ctx.path(home + "/include/cuda_runtime_api.h").exists:
            return home
    return ""

def _local_cuda_impl(ctx):
    home = _find_home(ctx)
    missing = [h for h in _NEEDED_HEADERS if not home or not ctx.path(home + "/include/" + h).exists]
    compiler = home and ctx.path(home + "/bin/nvcc").exists
    runtime = home and all([ctx.path(home + "/lib64/" + lib).exists for lib in _NEEDED_LIBRARIES])
    text = 'load("@rules_cc//cc:defs.bzl", "cc_library")\n\npackage(default_visibility = ["//visibility:public"])\n'
    if missing:
        # buildifier: disable=print
        print("no CUDA headers (%s): the CUDA backend and its emulated tests are skipped; set CUDA_HOME" % ", ".join(missing))
        text += _MISSING.format(name = "headers")
    else:
        ctx.symlink(home + "/include", "include")
        text += _HEADERS
    if missing or not compiler or not runtime:
        if not missing:
            # buildifier: disable=print
            print("no nvcc or CUDA libraries in %s: kernels are emulated only, none is compiled for a GPU" % home)
        text += _MISSING.format(name = "cudart") + _MISSING.format(name = "cublaslt")
        compiler = False
    else:
        ctx.symlink(home + "/lib64", "lib64")
        text += _RUNTIME.format(home = home)
    ctx.file("BUILD.bazel", text)
    ctx.file("toolkit.bzl", 'CUDA_HOME = "%s"\nHAS_HEADERS = %s\nHAS_NVCC = %s\n' % (home, not missing, bool(compiler)))

local_cuda_repository = repository_rule(
    implementation = _local_cuda_impl,
    configure = True,
    local = True,
    environ = ["CUDA_HOME", "PATH"],
)
