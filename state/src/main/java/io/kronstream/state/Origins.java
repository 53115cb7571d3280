// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * What the number of a partition in an example stands for: a partition of one of several topics, or a file. The number is
 * {@code place of the name * 65536 + partition}, so with one topic it is Kafka's own.
 *
 * @param names topics or files in an order that must stay; new ones come at the end
 * @param inTurn whether the names are read one after the other by one reader, so that their order is one order of all
 *     records; else only the order within each partition is known
 * @param later where the places of names are found that come while the job runs, those of {@code names} among them; null if
 *     none come
 */
public record Origins(List<String> names, boolean inTurn, NameRegister later) implements Serializable {
    /** Partitions that one topic may have. */
    public static final int PARTITIONS = 1 << 16;

    /** Names that there may be. */
    public static final int MAX_NAMES = 1 << 14;

    public Origins {
        if (names.isEmpty() || names.size() > MAX_NAMES) {
            throw new IllegalArgumentException(
                    "Records must come from 1 to " + MAX_NAMES + " topics or files, was " + names.size());
        }
        names = new ArrayList<>(names);
    }

    /** Names to which none are added later. */
    public Origins(List<String> names, boolean inTurn) {
        this(names, inTurn, null);
    }

    /** Topics, each of which has partitions with an order of their own. */
    public static Origins topics(String... names) {
        return new Origins(List.of(names), false);
    }

    /** The number of a partition of a topic. */
    public int number(String name, int partition) {
        int place = names.indexOf(Objects.requireNonNull(name));
        if (place < 0 && later != null) {
            place = later.place(name);
        }
        if (place < 0 || partition < 0 || partition >= PARTITIONS) {
            throw new IllegalArgumentException("Partition " + partition + " of " + name + " is not one of " + names);
        }
        return number(place, partition);
    }

    /** The number of a partition of the name at this place. */
    public static int number(int place, int partition) {
        return place * PARTITIONS + partition;
    }

    /** The topic or file that a number stands for. */
    public String name(int number) {
        int place = number / PARTITIONS;
        String name = place < names.size() ? names.get(place) : later == null ? null : later.name(place);
        return name == null ? "source " + place : name;
    }

    /** The partition of its topic that a number stands for; 0 of a file. */
    public int partition(int number) {
        return number % PARTITIONS;
    }
}
