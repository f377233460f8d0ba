// Sum and maximum over a workgroup of THREADS invocations (local_size_x), for any subgroup size.
// Every invocation must call; `shared` memory of one float per subgroup, at most THREADS.
#extension GL_KHR_shader_subgroup_arithmetic : enable

shared float reduce_parts[THREADS];

float ReduceSum(float x) {
  x = subgroupAdd(x);
  if (gl_NumSubgroups == 1u) return x;
  barrier();
  if (subgroupElect()) reduce_parts[gl_SubgroupID] = x;
  barrier();
  float sum = 0.0;
  for (uint i = 0; i < gl_NumSubgroups; ++i) sum += reduce_parts[i];
  return sum;
}

float ReduceMax(float x) {
  x = subgroupMax(x);
  if (gl_NumSubgroups == 1u) return x;
  barrier();
  if (subgroupElect()) reduce_parts[gl_SubgroupID] = x;
  barrier();
  float largest = reduce_parts[0];
  for (uint i = 1; i < gl_NumSubgroups; ++i) largest = max(largest, reduce_parts[i]);
  return largest;
}
