#include "runtime/backend/cuda/library/lowering.h"

namespace espalier::cuda {

Status Lower(const MeanPoolOp& op, Lowering& lowering) {
  lowering.Add([=, rows = lowering.Rows(op.input), input = lowering.At(op.input),
                output = lowering.At(op.output)](const Frame& frame) {
    LaunchMeanPool({.rows = frame.Count(rows),
                    .columns = op.input.column_count,
                    .input = frame.Read(input),
                    .output = frame.At(output).data},
                   frame.stream);
  });
  return OkStatus();
}

}  // namespace espalier::cuda
