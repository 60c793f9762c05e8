#version 450
// Lays a picture with alpha over the tiles: scaled to fit, centred, filtered with a tent as wide as
// a source texel or a destination texel, whichever is larger, in premultiplied colour.

layout(local_size_x = 8, local_size_y = 8) in;
layout(binding = 0, rgba8) uniform readonly image2DArray tiles;
layout(binding = 1) readonly buffer Picture { uint texels[]; };  // RGBA, 8 bits each
layout(binding = 2, rgba8) uniform writeonly image2D composite;
layout(push_constant) uniform Parameters {
  uvec2 size;          // of the composite, texels
  uvec2 picture_size;  // texels
  uint rows_per_tile;
};

vec4 Premultiplied(ivec2 at) {
  vec4 texel = unpackUnorm4x8(texels[uint(at.y) * picture_size.x + uint(at.x)]);
  return vec4(texel.rgb * texel.a, texel.a);
}

vec4 Filtered(vec2 centre, float radius) {
  ivec2 last = ivec2(picture_size) - 1;
  ivec2 from = ivec2(floor(centre - radius));
  ivec2 to = ivec2(ceil(centre + radius));
  vec4 sum = vec4(0.0);
  float weights = 0.0;
  for (int y = from.y; y <= to.y; ++y) {
    for (int x = from.x; x <= to.x; ++x) {
      vec2 distance = abs(vec2(x, y) + 0.5 - centre);
      vec2 near = max(vec2(0.0), 1.0 - distance / radius);
      float weight = near.x * near.y;
      bool inside = x >= 0 && y >= 0 && x <= last.x && y <= last.y;
      if (inside) sum += weight * Premultiplied(ivec2(x, y));
      weights += weight;
    }
  }
  return sum / weights;
}

void main() {
  uvec2 at = gl_GlobalInvocationID.xy;
  if (at.x >= size.x || at.y >= size.y) return;
  ivec3 tile = ivec3(at.x, at.y % rows_per_tile, at.y / rows_per_tile);
  vec3 colour = imageLoad(tiles, tile).rgb;

  vec2 fit = 0.8 * vec2(size) / vec2(picture_size);
  float scale = min(fit.x, fit.y);
  vec2 centre = (vec2(at) + 0.5 - 0.5 * vec2(size)) / scale + 0.5 * vec2(picture_size);
  float radius = max(1.0, 1.0 / scale);
  bool outside = any(lessThan(centre, vec2(-radius))) ||
                 any(greaterThan(centre, vec2(picture_size) + radius));
  if (!outside) {
    vec4 over = Filtered(centre, radius);
    colour = over.rgb + (1.0 - over.a) * colour;
  }
  imageStore(composite, ivec2(at), vec4(colour, 1.0));
}
