// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.network.Pooling;
import java.io.Serializable;
import java.util.List;

/**
 * An input column whose values are names, put into buckets.
 *
 * @param column its name
 * @param buckets how many there are
 * @param embedding length of the vector that is learned for each bucket; 0 for one input per bucket
 * @param separator what stands between the values of a field that holds several, or null if it holds one
 * @param pooling how several values become one
 * @param numbered whether a value of digits alone is its own bucket, modulo their number; all others are hashed
 */
public record Category(String column, int buckets, int embedding, String separator, Pooling pooling, boolean numbered)
        implements Serializable {
    public static final int DEFAULT_BUCKETS = 32;
    public static final int MAX_BUCKETS = 1 << 24;
    public static final int MAX_EMBEDDING = 1024;

    /** Most inputs of a column that is not embedded. */
    public static final int MAX_ONE_HOT = 1 << 20;

    /** Of hashed values. */
    public Category(String column, int buckets, int embedding, String separator, Pooling pooling) {
        this(column, buckets, embedding, separator, pooling, false);
    }

    /** One input per bucket, one value per field. */
    public static Category oneHot(String column, int buckets) {
        return new Category(column, buckets, 0, null, Pooling.SUM);
    }

    /** A vector per bucket, one value per field. */
    public static Category embedded(String column, int buckets, int embedding) {
        return new Category(column, buckets, embedding, null, Pooling.SUM);
    }

    /** Whether a vector is learned for each bucket. */
    public boolean embedded() {
        return embedding > 0;
    }

    /** Whether a field may hold several values. */
    public boolean several() {
        return separator != null;
    }

    void check(List<String> problems) {
        int most = embedded() ? MAX_BUCKETS : MAX_ONE_HOT;
        if (buckets < 1 || buckets > most) {
            problems.add("the buckets of '" + column + "' must lie in [1, " + most + "], was " + buckets);
        }
        if (embedding < 0 || embedding > MAX_EMBEDDING) {
            problems.add("the embedding of '" + column + "' must lie in [0, " + MAX_EMBEDDING + "], was " + embedding);
        }
        if (embedding > 0 && (long) buckets * (embedding + 1) > Integer.MAX_VALUE) {
            problems.add("the table of '" + column + "' would have " + (long) buckets * (embedding + 1)
                    + " numbers, more than " + Integer.MAX_VALUE + ": give it fewer buckets or a shorter embedding");
        }
        if (separator != null && separator.isEmpty()) {
            problems.add("the separator of '" + column + "' must not be empty");
        }
    }

    /** As the structure of a state has it. */
    @Override
    public String toString() {
        return "Category[column=" + column + ", buckets=" + buckets + ", embedding=" + embedding + ", separator="
                + separator + ", pooling=" + pooling + (numbered ? ", numbered" : "") + "]";
    }
}
