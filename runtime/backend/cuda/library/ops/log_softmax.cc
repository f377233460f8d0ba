#include "runtime/backend/cuda/library/lowering.h"

namespace espalier::cuda {

Status Lower(const LogSoftmaxOp& op, Lowering& lowering) {
  lowering.Add([=, rows = lowering.Rows(op.input), input = lowering.At(op.input),
                output = lowering.At(op.output)](const Frame& frame) {
    LaunchLogSoftmax({.rows = frame.Count(rows),
                      .columns = op.input.column_count,
                      .input = frame.Read(input),
                      .output = frame.At(output)},
                     frame.stream);
  });
  return OkStatus();
}

}  // namespace espalier::cuda
