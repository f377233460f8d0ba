"""The one test rule: GoogleTest's main and the sanitizers' suppressions are always linked."""

load("@rules_cc//cc:defs.bzl", "cc_test")
load("//runtime:defs.bzl", "COPTS")

# lavapipe on the caller's thread: 17 times less per small dispatch, and it leaves the other cores to
# other tests. Mesa keeps compiled shaders in the test's own folder.
LAVAPIPE_ENV = {"LP_NUM_THREADS": "0"}

def espalier_test(name, srcs, deps = [], size = "small", copts = [], **kwargs):
    cc_test(
        name = name,
        srcs = srcs,
        size = size,
        copts = COPTS + copts,
        # GoogleTest's main goes first: Debian's libwebrtc_audio_processing.so exports a main of its
        # own, and the linker takes the first one it meets.
        deps = [
            "//third_party:gtest_main",
            "//tests:sanitizers",
        ] + deps,
        **kwargs
    )
