// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** The refreshes that this attempt of a subtask has asked for and has no answer to, and since when. */
final class RefreshLedger {
    private final Map<RefreshId, Long> askedAt = new LinkedHashMap<>(); // in the order of asking

    void asked(RefreshId id, long now) {
        askedAt.remove(id); // asked again: it starts anew, at the end
        askedAt.put(id, now);
    }

    /** Ends the wait for an answer; when it was asked for, or empty if it was not, or has been answered. */
    OptionalLong answered(RefreshId id) {
        Long asked = askedAt.remove(id);
        return asked == null ? OptionalLong.empty() : OptionalLong.of(asked);
    }

    /** The refresh that was asked for longest ago. */
    Optional<RefreshId> eldest() {
        return askedAt.keySet().stream().findFirst();
    }

    /** When the eldest was asked for; empty if nothing is. */
    OptionalLong eldestAskedAt() {
        return askedAt.values().stream().mapToLong(Long::longValue).findFirst();
    }

    int size() {
        return askedAt.size();
    }
}
