#version 450
// Rows of one frame of a moving picture: rings that wander, and a bar that crosses the picture once in 120
// frames, so that a missing frame shows as a jump.

layout(local_size_x = 8, local_size_y = 8) in;
layout(binding = 0, rgba8) uniform writeonly image2D frame;
layout(push_constant) uniform Parameters {
  uvec2 size;  // of the whole picture, texels
  uint first_row, rows;  // the image's
  uint number;
};

void main() {
  uvec2 in_image = gl_GlobalInvocationID.xy;
  if (in_image.x >= size.x || in_image.y >= rows) return;
  uvec2 at = in_image + uvec2(0, first_row);
  vec2 place = (2.0 * vec2(at) - vec2(size)) / float(size.y);
  float time = float(number) / 60.0;
  vec2 centre = vec2(1.1 * sin(1.3 * time), 0.6 * cos(1.7 * time));
  float wave = sin(9.0 * length(place - centre) - 5.0 * time) + sin(7.0 * length(place + centre));
  vec3 colour = 0.5 + 0.5 * cos(1.6 * wave + vec3(0.0, 1.0, 2.2));
  float bar = abs(float(at.x) / float(size.x) - float(number % 120u) / 120.0);
  colour = mix(vec3(1.0), colour * 0.9, smoothstep(0.004, 0.012, bar));
  imageStore(frame, ivec2(in_image), vec4(colour, 1.0));
}
