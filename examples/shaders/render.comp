#version 450
// One tile of a picture: a Julia set in smooth colours. Each texel depends on its place in the whole
// picture only, so the tiles fit together whoever renders them.

layout(local_size_x = 8, local_size_y = 8) in;
layout(binding = 0, rgba8) uniform writeonly image2D tile;
layout(push_constant) uniform Parameters {
  uvec2 size;      // of the whole picture, texels
  uint first_row;  // of this tile
  uint rows;
};

vec3 Palette(float t) { return 0.5 + 0.5 * cos(6.2831853 * (vec3(0.95, 1.0, 1.05) * t + vec3(0.55, 0.67, 0.80))); }

vec3 Colour(vec2 place) {
  vec2 z = (2.0 * place - vec2(size)) / float(min(size.x, size.y)) * 0.95;
  z = mat2(0.94, 0.34, -0.34, 0.94) * z;
  const vec2 c = vec2(-0.7885, 0.1560);
  float trap = 1e9;
  for (uint i = 0u; i < 160u; ++i) {
    z = vec2(z.x * z.x - z.y * z.y, 2.0 * z.x * z.y) + c;
    float radius = dot(z, z);
    trap = min(trap, abs(z.x * z.y) + 0.25 * radius);
    if (radius > 256.0) {
      float smooth_count = float(i) - log2(log2(radius)) + 3.0;
      return Palette(0.06 * smooth_count) * (0.35 + 0.65 * exp(-0.02 * smooth_count));
    }
  }
  return Palette(0.2 + 2.0 * sqrt(trap)) * 0.85;
}

void main() {
  uvec2 at = gl_GlobalInvocationID.xy;
  if (at.x >= size.x || at.y >= rows) return;
  vec2 corner = vec2(at.x, at.y + first_row);
  vec3 sum = vec3(0.0);
  for (uint i = 0u; i < 4u; ++i)
    sum += Colour(corner + vec2(0.25) + 0.5 * vec2(float(i & 1u), float(i >> 1)));
  imageStore(tile, ivec2(at), vec4(0.25 * sum, 1.0));
}
