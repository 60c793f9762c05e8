// Quantiles of a sample, by nearest rank.
#ifndef VRAMD_TOOLS_VRAMCTL_QUANTILE_H_
#define VRAMD_TOOLS_VRAMCTL_QUANTILE_H_

#include <algorithm>
#include <cmath>
#include <vector>

namespace vramctl {

// The smallest sample that at least `fraction` (0 < fraction <= 1) of all samples do not exceed.
// `samples` is sorted and not empty.
inline double Quantile(const std::vector<double>& samples, double fraction) {
  const double rank = std::ceil(fraction * static_cast<double>(samples.size()));
  const auto index = static_cast<size_t>(std::max(rank, 1.0)) - 1;
  return samples[std::min(index, samples.size() - 1)];
}

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_QUANTILE_H_
