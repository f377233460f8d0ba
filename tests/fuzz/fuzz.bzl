"""One parser of untrusted bytes: a libFuzzer program and a test that replays its corpus."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_test")
load("//runtime:defs.bzl", "COPTS")

def fuzz_target(name, deps):
    """Makes `name` (bazel build --config=fuzz) and `name`_corpus_test (every build).

    Args:
      name: NAME.cc defines LLVMFuzzerTestOneInput; corpus/NAME/ holds the seeds and what was found.
      deps: what NAME.cc includes.
    """
    cc_binary(
        name = name,
        testonly = True,
        srcs = [
            name + ".cc",
            "fuzz_target.h",
        ],
        copts = COPTS,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],  # g++ has no libFuzzer
        deps = deps + ["//tests:sanitizers"],
    )
    cc_test(
        name = name + "_corpus_test",
        size = "small",
        srcs = [
            name + ".cc",
            "corpus_main.cc",
            "fuzz_target.h",
        ],
        args = ["tests/fuzz/corpus/" + name],
        copts = COPTS,
        data = native.glob(["corpus/" + name + "/*"]),
        deps = deps + ["//tests:sanitizers"],
    )
