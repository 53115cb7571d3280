// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import java.nio.charset.StandardCharsets;

/**
 * The bucket of a categorical value: FNV-1a (64 bit) over the UTF-8 bytes of {@code column=value}, finished with the
 * mixer of MurmurHash3 because the low bits of FNV-1a alone are weak, unsigned modulo the number of buckets. A value
 * has the same bucket in every process, and serving code in any language can compute it.
 */
final class CategoryHash {
    private static final long OFFSET_BASIS = 0xcbf29ce484222325L;
    private static final long PRIME = 0x100000001b3L;

    private CategoryHash() {}

    /** The hash of {@code column=}, to which {@link #bucket} adds a value. */
    static long prefix(String column) {
        byte[] bytes = (column + "=").getBytes(StandardCharsets.UTF_8);
        return fnv(OFFSET_BASIS, bytes, 0, bytes.length);
    }

    static int bucket(long prefix, byte[] bytes, int from, int to, int buckets) {
        return (int) Long.remainderUnsigned(mix(fnv(prefix, bytes, from, to)), buckets);
    }

    /** The bucket of a whole number of at most 18 digits, which is the number itself, modulo the buckets; else of a name. */
    static int numbered(long prefix, byte[] bytes, int from, int to, int buckets) {
        long number = 0;
        for (int i = from; i < to; i++) {
            if (bytes[i] < '0' || bytes[i] > '9' || to - from > 18) {
                return bucket(prefix, bytes, from, to, buckets);
            }
            number = 10 * number + (bytes[i] - '0');
        }
        return (int) (number % buckets);
    }

    private static long fnv(long hash, byte[] bytes, int from, int to) {
        long result = hash;
        for (int i = from; i < to; i++) {
            result = (result ^ (bytes[i] & 0xff)) * PRIME;
        }
        return result;
    }

    private static long mix(long hash) {
        long result = hash;
        result = (result ^ (result >>> 33)) * 0xff51afd7ed558ccdL;
        result = (result ^ (result >>> 33)) * 0xc4ceb9fe1a85ec53L;
        return result ^ (result >>> 33);
    }
}
