#include "runtime/backend/cuda/library/ops/product.h"

namespace espalier::cuda {
namespace {

// Most that packed rows of a left factor take; a longer one is cut into several products.
constexpr int64_t kPackBytes = int64_t{64} << 20;

int64_t ElementBytes(Storage storage) { return storage == Storage::kF32 ? 4 : 2; }

// A request with its operands found and its constants uploaded.
struct Parts {
  ProductRequest request;
  Operand input, output, residual;
  RowSource rows, input_rows;
  Matrix weight = {};
  const float* bias = nullptr;
  int32_t columns = 0;  // of the product
  int32_t depth = 0;

  int64_t most_rows() const { return int64_t{rows.most} * request.positions; }
  Activation activation() const { return static_cast<Activation>(request.activation); }
  Windows LeftOn(const Frame& frame) const {
    return {.input = frame.Read(input),
            .rows = frame.Count(rows),
            .input_rows = frame.Count(input_rows),
            .positions = request.positions,
            .row_step = request.row_step,
            .padding = request.padding,
            .position_step = request.position_step,
            .segments = request.segments,
            .segment_length = request.segment_length};
  }
  Epilogue EpilogueOn(const Frame& frame) const {
    return {.bias = bias,
            .activation = activation(),
            .scale = request.scale,
            .residual = frame.Read(residual),
            .output = frame.NumbersAt(output),
            .columns = columns};
  }
};

Result<Parts> Find(const ProductRequest& request, Lowering& lowering) {
  Parts parts{.request = request,
              .input = lowering.At(request.input),
              .output = lowering.At(request.output),
              .residual = lowering.At(request.residual),
              .rows = lowering.Rows(request.output),
              .input_rows = lowering.Rows(request.input)};
  ESP_ASSIGN_OR_RETURN(parts.weight, lowering.UploadMatrix(request.weight, request.taps));
  ESP_ASSIGN_OR_RETURN(parts.bias, lowering.Floats(request.bias));
  parts.columns = static_cast<int32_t>(lowering.WeightOf(request.weight).rows);
  parts.depth = request.segments * request.segment_length;
  return parts;
}

// How cuBLASLt computes a product: what is packed for it, and what it leaves to the epilogue
// kernel.
class LibraryProduct {
 public:
  LibraryProduct(Parts parts, Lowering& lowering) : parts_(std::move(parts)), lowering_(lowering) {
    const ProductRequest& request = parts_.request;
    packs_ =
        parts_.weight.storage != Storage::kF32 || request.segments > 1 || request.positions > 1;
    // Rows beyond the present count are computed too: only the arena may take them. Positions lie
    // side by side, so they are rows only where nothing else is in the slot's rows.
    const bool rows_apart =
        request.positions == 1 || (request.output.column_begin == 0 &&
                                   parts_.output.stride == request.positions * parts_.columns);
    const bool residual_first = request.activation == espalier::Activation::kNone;
    const bool relu = request.activation == espalier::Activation::kRelu && request.scale == 1.0f &&
                      !request.residual.present();
    fused_ = lowering.IsInArena(request.output) && parts_.output.storage == Storage::kF32 &&
             rows_apart && (residual_first || relu) &&
             !(request.positions > 1 && request.residual.present());
  }

  // False where cuBLASLt cannot; nothing has been added then.
  Result<bool> Add() {
    const int64_t row_bytes = depth() * ElementBytes(parts_.weight.storage);
    const int64_t all = parts_.most_rows();
    const int64_t chunk = packs_ ? std::clamp<int64_t>(kPackBytes / row_bytes, 1, all) : all;
    pack_bytes_ = packs_ ? (chunk * row_bytes + 255) / 256 * 256 : 0;
    ESP_ASSIGN_OR_RETURN(const ProductShape shape, ShapeOf(chunk));
    ESP_ASSIGN_OR_RETURN(const auto whole, lowering_.context().products.Make(shape));
    if (whole == nullptr) return false;
    std::shared_ptr<const Product> last = whole;
    if (all % chunk != 0) {
      ESP_ASSIGN_OR_RETURN(const ProductShape rest, ShapeOf(all % chunk));
      ESP_ASSIGN_OR_RETURN(last, lowering_.context().products.Make(rest));
      if (last == nullptr) return false;
    }
    const int64_t sums_bytes = fused_ ? 0 : chunk * parts_.columns * int64_t{sizeof(float)};
    lowering_.NeedScratch(static_cast<size_t>(pack_bytes_ + sums_bytes));
    for (int64_t first = 0; first < all; first += chunk) {
      const int64_t count = std::min(chunk, all - first);
      AddChunk(count == chunk ? whole : last, static_cast<int32_t>(first),
               static_cast<int32_t>(count));
    }
    return true;
  }

 private:
  // Packed rows are filled up as the weight's are; f32 rows are read where they lie.
  int64_t depth() const { return packs_ ? parts_.weight.stride : parts_.depth; }
  int32_t d_stride() const {
    return fused_ && parts_.request.positions == 1 ? parts_.output.stride : parts_.columns;
  }

  Result<ProductShape> ShapeOf(int64_t rows) {
    const ProductRequest& request = parts_.request;
    ProductShape shape{.storage = parts_.weight.storage,
                       .rows = rows,
                       .columns = parts_.columns,
                       .depth = depth(),
                       .x_stride = packs_ ? depth() : parts_.input.stride,
                       .w_stride = parts_.weight.stride,
                       .d_stride = d_stride(),
                       .x_alignment = packs_ ? 16 : lowering_.Alignment(request.input)};
    if (!fused_) {
      shape.d_alignment = parts_.columns % 4 == 0 ? 16 : 4;
      shape.c_alignment = shape.d_alignment;
      return shape;
    }
    shape.d_alignment = lowering_.Alignment(request.output);
    shape.c_alignment = shape.d_alignment;
    shape.relu = request.activation == espalier::Activation::kRelu;
    shape.alpha = request.scale;
    // The scale is outside the bias: residual + scale · sum + scale · bias.
    ESP_ASSIGN_OR_RETURN(shape.bias, lowering_.Floats(request.bias, {.factor = request.scale}));
    if (request.residual.present()) {
      shape.c_stride = parts_.residual.stride;
      shape.c_alignment = lowering_.Alignment(request.residual);
    }
    return shape;
  }

  // Rows [first, first + count) of the left factor, positions counted.
  void AddChunk(std::shared_ptr<const Product> product, int32_t first, int32_t count) {
    const auto step = [parts = parts_, product = std::move(product), first, count, packs = packs_,
                       fused = fused_, pack_bytes = pack_bytes_,
                       stride = d_stride()](const Frame& frame) -> Status {
      ProductOperands operands{.x = parts.LeftOn(frame).input.data, .w = parts.weight.data};
      if (packs) {
        LaunchPackRows({.left = parts.LeftOn(frame),
                        .output = frame.scratch,
                        .storage = parts.weight.storage,
                        .stride = parts.weight.stride,
                        .first = first,
                        .count = count},
                       frame.stream);
        operands.x = frame.scratch;
      }
      auto* const sums = reinterpret_cast<float*>(frame.scratch + pack_bytes);
      operands.d = fused ? frame.At(parts.output).data + int64_t{first} * stride : sums;
      if (parts.request.residual.present()) {
        operands.c = frame.Read(parts.residual).data + int64_t{first} * parts.residual.stride;
      }
      ESP_RETURN_IF_ERROR(product->Run(operands, frame.workspace, frame.stream));
      if (fused) return OkStatus();
      LaunchEpilogue({.rows = frame.Count(parts.rows),
                      .positions = parts.request.positions,
                      .sums = sums,
                      .first = first,
                      .count = count,
                      .epilogue = parts.EpilogueOn(frame)},
                     frame.stream);
      return OkStatus();
    };
    Device& device = lowering_.context().device;
    lowering_.AddStep(
        [step, &device](const Frame& frame) {
          ESP_RETURN_IF_ERROR(step(frame));
          return device.CheckLaunch("launch");
        },
        1 + (packs_ ? 1 : 0) + (fused_ ? 0 : 1));
  }

  Parts parts_;
  Lowering& lowering_;
  bool packs_ = false, fused_ = false;
  int64_t pack_bytes_ = 0;
};

// On the tensor cores: activations rounded to the weights' type, to f16 for i8.
bool RoundsFactors(const Parts& parts, const Lowering& lowering) {
  return parts.most_rows() > kGemvRows && parts.weight.storage != Storage::kF32 &&
         lowering.context().rounding == CudaOptions::Products::kByStorage;
}

// cuBLASLt takes factors of one floating type.
bool IsForLibrary(const Parts& parts, const Lowering& lowering) {
  if (parts.most_rows() <= kGemvRows || parts.weight.storage == Storage::kI8) return false;
  return parts.weight.storage == Storage::kF32 || RoundsFactors(parts, lowering);
}

}  // namespace

Status AddProduct(const ProductRequest& request, Lowering& lowering) {
  ESP_ASSIGN_OR_RETURN(const Parts parts, Find(request, lowering));
  const bool plain = request.segments == 1 && request.positions == 1;
  if (IsForLibrary(parts, lowering)) {
    ESP_ASSIGN_OR_RETURN(const bool added, LibraryProduct(parts, lowering).Add());
    if (added) return OkStatus();
  }
  const auto launch = plain && parts.rows.most <= kGemvRows     ? LaunchGemv
                      : plain && RoundsFactors(parts, lowering) ? LaunchGemmTensor
                                                                : LaunchGemm;
  lowering.Add([parts, launch](const Frame& frame) {
    launch(
        {.left = parts.LeftOn(frame), .right = parts.weight, .epilogue = parts.EpilogueOn(frame)},
        frame.stream);
  });
  return OkStatus();
}

}  // namespace espalier::cuda
