builtin = struct(CcInfo = CcInfo)
