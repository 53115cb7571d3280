// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Keys of the models topic: {@code MODEL/chunk/SLOT/INDEX} and {@code MODEL/manifest/SLOT}. The slot is the version
 * modulo 2, so that compaction never takes anything of the version before the one being written. A model's id may
 * itself hold slashes.
 */
final class ModelKeys {
    private static final Pattern KEY =
            Pattern.compile("(.+)/(?:manifest/([01])|chunk/([01])/(\\d{1,9}))", Pattern.DOTALL);

    /** Index of a key that is a manifest's. */
    static final int MANIFEST = -1;

    /**
     * A key taken apart.
     *
     * @param index index of the chunk, or {@link #MANIFEST}
     */
    record ModelKey(String model, int slot, int index) {
        boolean isManifest() {
            return index == MANIFEST;
        }
    }

    private ModelKeys() {}

    static int slot(long version) {
        return (int) (version & 1);
    }

    static String chunk(String model, long version, int index) {
        return model + "/chunk/" + slot(version) + "/" + index;
    }

    static String manifest(String model, long version) {
        return model + "/manifest/" + slot(version);
    }

    /** The parts of a key; empty if it is no key of this kind. */
    static Optional<ModelKey> parse(String key) {
        Matcher matcher = KEY.matcher(key);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        boolean manifest = matcher.group(2) != null;
        int slot = Integer.parseInt(matcher.group(manifest ? 2 : 3));
        int index = manifest ? MANIFEST : Integer.parseInt(matcher.group(4));
        return Optional.of(new ModelKey(matcher.group(1), slot, index));
    }
}
