// The host's compiler takes no .cu.
#include "tests/cuda/order_kernels.cu"
