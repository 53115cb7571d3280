// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.learner.RefreshAnswer;
import io.kronstream.learner.RefreshRequest;

/** Names one refresh: a request and its answer have the same. */
record RefreshId(String model, int layer, int side, long version) {

    static RefreshId of(RefreshRequest request) {
        return new RefreshId(request.model(), request.layer(), request.side(), request.version());
    }

    static RefreshId of(RefreshAnswer answer) {
        return new RefreshId(answer.model(), answer.layer(), answer.side(), answer.version());
    }
}
