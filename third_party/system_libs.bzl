"""Libraries that the operating system's packages provide, as cc_library targets.

A library that is not installed becomes a target that no platform is compatible with:
`bazel test //...` skips what needs it, and naming it outright is an error.
"""

# name: (pkg-config name or None, a header that proves it is there, linker flags without pkg-config)
_LIBS = {
    "benchmark": ("benchmark", "benchmark/benchmark.h", ["-lbenchmark", "-pthread"]),
    "boost_context": (None, "boost/context/detail/fcontext.hpp", ["-lboost_context"]),
    "cli11": (None, "CLI/CLI.hpp", []),
    "dnnl": (None, "oneapi/dnnl/dnnl.hpp", ["-ldnnl"]),
    "gtest": ("gtest", "gtest/gtest.h", ["-lgtest", "-pthread"]),
    "gtest_main": ("gtest_main", "gtest/gtest.h", ["-lgtest_main", "-lgtest", "-pthread"]),
    "highway": ("libhwy", "hwy/highway.h", ["-lhwy"]),
    "json": ("nlohmann_json", "nlohmann/json_fwd.hpp", []),
    "openblas": ("openblas", "cblas.h", ["-lopenblas"]),
    "portaudio": ("portaudio-2.0", "portaudio.h", ["-lportaudio"]),
    "sentencepiece": ("sentencepiece", "sentencepiece_processor.h", ["-lsentencepiece"]),
    "sndfile": ("sndfile", "sndfile.h", ["-lsndfile"]),
    "soxr": ("soxr", "soxr.h", ["-lsoxr"]),
    "utf8proc": ("libutf8proc", "utf8proc.h", ["-lutf8proc"]),
    "vulkan_headers": (None, "vulkan/vulkan_core.h", ["-ldl"]),  # the loader is opened at run time
    "webrtc_audio": (
        "webrtc-audio-processing",
        "webrtc/modules/audio_processing/include/audio_processing.h",
        ["-lwebrtc_audio_processing"],
    ),
    "zlib": ("zlib", "zlib.h", ["-lz"]),
}

# Directories that the compiler searches anyway; naming them again would break #include_next.
_DEFAULT_INCLUDE = ["/usr/include", "/usr/local/include"]

_FOUND = """
cc_library(
    name = "{name}",
    defines = {defines},
    hdrs = glob(["{name}_inc/**"], allow_empty = True),
    includes = {includes},
    linkopts = {linkopts},
)
"""

_MISSING = """
# not installed: {why}
cc_library(
    name = "{name}",
    target_compatible_with = ["@platforms//:incompatible"],
)
"""

def _pkg_config(ctx, module):
    tool = ctx.which("pkg-config") or ctx.which("pkgconf")
    if not tool or not module:
        return None
    result = ctx.execute([tool, "--cflags", "--libs", module])
    if result.return_code != 0:
        return None
    return [flag for flag in result.stdout.replace("\n", " ").split(" ") if flag]

def _one(ctx, cc, name):
    module, header, fallback = _LIBS[name]
    flags = _pkg_config(ctx, module)
    defines, dirs, linkopts = [], [], []
    for flag in flags if flags != None else fallback:
        if flag.startswith("-D"):
            defines.append(flag[2:])
        elif flag.startswith("-I"):
            if flag[2:] not in _DEFAULT_INCLUDE:
                dirs.append(flag[2:])
        elif flag.startswith("-l") or flag.startswith("-L") or flag.startswith("-pthread") or flag.startswith("-Wl,"):
            linkopts.append(flag)
    probe = "printf '#include <%s>\\nint main(){return 0;}\\n' | \"%s\" -x c++ -std=c++20 %s -fsyntax-only - && echo 'int main(){return 0;}' | \"%s\" -x c++ - -o /dev/null %s" % (
        header,
        cc,
        " ".join(["-D" + d for d in defines] + ["-I" + d for d in dirs]),
        cc,
        " ".join(linkopts),
    )
    result = ctx.execute(["sh", "-c", probe], timeout = 60)
    if result.return_code != 0:
        return _MISSING.format(name = name, why = header)
    includes = []
    for i, path in enumerate(dirs):
        ctx.symlink(path, "%s_inc/%d" % (name, i))
        includes.append("%s_inc/%d" % (name, i))
    return _FOUND.format(name = name, defines = repr(defines), includes = repr(includes), linkopts = repr(linkopts))

def _system_libs_impl(ctx):
    cc = ctx.os.environ.get("CC") or ctx.which("c++") or ctx.which("g++") or ctx.which("clang++")
    if not cc:
        fail("no C++ compiler found; set CC")
    text = 'load("@rules_cc//cc:defs.bzl", "cc_library")\n\npackage(default_visibility = ["//visibility:public"])\n'
    for name in sorted(_LIBS.keys()):
        text += _one(ctx, cc, name)
    ctx.file("BUILD.bazel", text)

system_libs_repository = repository_rule(
    implementation = _system_libs_impl,
    configure = True,
    local = True,
    environ = ["CC", "PATH", "PKG_CONFIG_PATH"],
)
