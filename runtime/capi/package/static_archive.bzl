"""One static archive of a cc_library and all of its own dependencies, with chosen symbols visible."""

def _static_archive_impl(ctx):
    archives, flags = [], []
    for linker_input in ctx.attr.dep[CcInfo].linking_context.linker_inputs.to_list():
        for library in linker_input.libraries:
            archive = library.pic_static_library or library.static_library
            if archive and archive not in archives:
                archives.append(archive)
        for flag in linker_input.user_link_flags:
            if flag not in flags:
                flags.append(flag)
    archive = ctx.outputs.archive

    # One relocatable object: COMDAT groups are merged, so that their symbols may become local.
    ctx.actions.run_shell(
        inputs = archives,
        outputs = [archive],
        arguments = [archive.path, ctx.attr.exported] + [a.path for a in archives],
        command = """
set -eu
out=$1 exported=$2
shift 2
ld -r --force-group-allocation -o "$out.o" --whole-archive "$@"
objcopy --wildcard --keep-global-symbol="$exported" "$out.o"
ar rcsD "$out" "$out.o"
rm "$out.o"
""",
        mnemonic = "StaticArchive",
        progress_message = "Merging archives into %s" % archive.short_path,
    )

    # What whoever links the archive must name besides.
    ctx.actions.write(ctx.outputs.link_flags, " ".join(flags) + "\n")
    return [DefaultInfo(files = depset([archive, ctx.outputs.link_flags]))]

static_archive = rule(
    implementation = _static_archive_impl,
    attrs = {
        "dep": attr.label(mandatory = True, providers = [CcInfo]),
        "exported": attr.string(mandatory = True, doc = "wildcard of the symbols that stay visible"),
        "archive": attr.output(mandatory = True),
        "link_flags": attr.output(mandatory = True),
    },
)
