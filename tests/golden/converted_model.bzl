"""Turns an ESPnet folder of the tree into a model folder that tests can open."""

def converted_model(name, folder, dtype = "f32", **kwargs):
    """Makes `name`/{config.json,model.safetensors,bpe.model,README.md} by models/convert.py.

    Args:
      name: of the target and of the folder, in the calling package's output tree.
      folder: the ESPnet folder below the calling package (it holds exp/ and data/).
      dtype: "f32" or "f16".
      **kwargs: visibility and the like.
    """
    config = native.glob([folder + "/exp/*/config.yaml"])[0]
    native.genrule(
        name = name,
        srcs = native.glob([folder + "/exp/**", folder + "/data/**"]),
        outs = [
            name + "/config.json",
            name + "/model.safetensors",
            name + "/bpe.model",
            name + "/README.md",
        ],
        # Bazel makes the output folder beforehand; --force lets the converter replace it.
        cmd = """
            config=$(location %s)
            /usr/bin/python3 -B $(location //models:convert.py) "$${config%%/exp/*}" \
                "$$(dirname $(location %s/config.json))" --dtype %s --force
        """ % (config, name, dtype),
        tools = [
            "//models:convert.py",
            "//models:converter",
        ],
        **kwargs
    )
