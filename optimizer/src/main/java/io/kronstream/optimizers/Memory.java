// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.TensorSpec;
import java.util.List;

/** What an optimizer remembers of one layer; zero at the start. */
public record Memory(List<TensorSpec> tensors, List<String> counters) {}
