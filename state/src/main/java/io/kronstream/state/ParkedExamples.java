// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.learner.Example;
import java.util.List;

/** A run of examples that wait for a refresh: one entry of the keyed state that holds them. */
record ParkedExamples(List<Example> examples) {
    /** Most examples of one entry, so that no entry grows without bound. */
    static final int MAX_EXAMPLES = 64;
}
