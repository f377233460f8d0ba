"""The shader compiler and checker: glslang and spirv-tools of this machine, or those of PyPI's wheels that
setup.sh puts into third_party/glslang where the machine's do not know cooperative matrices.

Defines in tools.bzl GLSLANG and SPIRV_VAL (shell commands) and COOPERATIVE_MATRIX (whether they compile it; a
program built without it runs, and leaves matrix units unused).
"""

_PROBE = """
#version 450
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
layout(local_size_x = 32) in;
shared float sums[256];
void main() {
  coopmat<float, gl_ScopeSubgroup, 16, 16, gl_MatrixUseAccumulator> sum;
  coopMatStore(sum, sums, 0, 16, gl_CooperativeMatrixLayoutRowMajor);
}
"""

def _compiles(ctx, glslang, spirv_val):
    ctx.file("probe.comp", _PROBE)
    command = "%s -V --quiet --target-env vulkan1.1 probe.comp -o probe.spv && %s --target-env vulkan1.1 probe.spv"
    return ctx.execute(["sh", "-c", command % (glslang, spirv_val)]).return_code == 0

def _local_glslang_impl(ctx):
    candidates = []
    if ctx.which("glslangValidator") and ctx.which("spirv-val"):
        candidates.append((str(ctx.which("glslangValidator")), str(ctx.which("spirv-val"))))
    wheels = str(ctx.path(Label("//:WORKSPACE")).dirname) + "/third_party/glslang/cmeel.prefix"
    if ctx.path(wheels).exists:
        run = "LD_LIBRARY_PATH=%s/lib %s/bin/" % (wheels, wheels)
        candidates.append((run + "glslangValidator", run + "spirv-val"))
    if not candidates:
        fail("no glslangValidator and spirv-val found; run third_party/setup.sh")
    able = [tools for tools in candidates if _compiles(ctx, tools[0], tools[1])]
    if not able:
        # buildifier: disable=print
        print("glslang before 13 does not know cooperative matrices: matrix units of GPUs stay unused; run third_party/setup.sh")
    glslang, spirv_val = (able or candidates)[0]
    ctx.file("BUILD.bazel", "")
    ctx.file("tools.bzl", "GLSLANG = %r\nSPIRV_VAL = %r\nCOOPERATIVE_MATRIX = %r\n" % (glslang, spirv_val, bool(able)))

local_glslang_repository = repository_rule(
    implementation = _local_glslang_impl,
    configure = True,
    local = True,
    environ = ["PATH"],
)
