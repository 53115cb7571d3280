// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.learner.RefreshRequest;

/** What EIGEN-REFRESH is keyed by, so that the factors of one model spread over the cluster. */
public final class EigenRefreshKey {
    private EigenRefreshKey() {}

    /** {@code model/layer/side}. */
    public static String of(RefreshRequest request) {
        return request.model() + "/" + request.layer() + "/" + request.side();
    }
}
