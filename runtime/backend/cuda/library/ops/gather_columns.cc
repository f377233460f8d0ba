#include "runtime/backend/cuda/library/lowering.h"

namespace espalier::cuda {

Status Lower(const GatherColumnsOp& op, Lowering& lowering) {
  lowering.Add([=, rows = lowering.Rows(op.output), input = lowering.At(op.input),
                indices = lowering.At(op.indices),
                output = lowering.At(op.output)](const Frame& frame) {
    LaunchGatherColumns({.rows = frame.Count(rows),
                         .columns = op.output.column_count,
                         .input = frame.Read(input),
                         .indices = frame.Indices(indices).data,
                         .output = frame.At(output)},
                        frame.stream);
  });
  return OkStatus();
}

}  // namespace espalier::cuda
