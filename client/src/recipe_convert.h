// Between the C interface's recipe, with the structs that hang from it, and the one inside.
#ifndef VRAMD_CLIENT_SRC_RECIPE_CONVERT_H_
#define VRAMD_CLIENT_SRC_RECIPE_CONVERT_H_

#include <functional>

#include "absl/status/statusor.h"
#include "base/recipe.h"
#include "vramd/vramd.h"

namespace vramd {

vramd_device_identity ToC(const DeviceIdentity& identity);
DeviceIdentity FromC(const vramd_device_identity& identity);

// INVALID_ARGUMENT for NULL too: the kind of the resource says that it must be there.
absl::StatusOr<BufferInfo> ReadBufferInfo(const vramd_buffer_info* theirs);
absl::StatusOr<ImageInfo> ReadImageInfo(const vramd_image_info* theirs);
absl::StatusOr<Recipe> ReadRecipe(const vramd_recipe* theirs);

// Whether a caller's recipe, and all that it points to, can be filled.
absl::Status CheckRecipe(const vramd_recipe* theirs);
// After CheckRecipe().
void WriteRecipe(const Recipe& recipe, vramd_recipe* theirs);

// What `fill`, a function of the C interface, says of a whole recipe.
absl::StatusOr<Recipe> AskRecipe(const std::function<absl::Status(vramd_recipe*)>& fill);

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_RECIPE_CONVERT_H_
