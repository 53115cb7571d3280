// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * One option of an optimizer, declared as a constant beside the algorithm that reads it.
 *
 * @param <T> type of its values
 */
public final class Knob<T> {
    private static final int MOST = 1_000_000_000;

    private final String name;
    private final T defaultValue;
    private final String range;
    private final String description;
    private final boolean structural;
    private final Function<String, T> reader;
    private final Function<T, String> writer;

    private Knob(
            String name,
            T defaultValue,
            String range,
            String description,
            boolean structural,
            Function<String, T> reader,
            Function<T, String> writer) {
        this.name = name;
        this.defaultValue = defaultValue;
        this.range = range;
        this.description = description;
        this.structural = structural;
        this.reader = reader;
        this.writer = writer;
    }

    /** A decay, in [0, 1). */
    public static Knob<Double> decay(String name, double defaultValue, String description) {
        return number(name, defaultValue, "in [0, 1)", value -> value >= 0 && value < 1, description);
    }

    /** A share, in [0, 1). */
    public static Knob<Double> share(String name, double defaultValue, String description) {
        return decay(name, defaultValue, description);
    }

    /** A weight of two that add up to one, in [0, 1]. */
    public static Knob<Double> weight(String name, double defaultValue, String description) {
        return number(name, defaultValue, "in [0, 1]", value -> value >= 0 && value <= 1, description);
    }

    /** A rate or a scale, in (0, 1e6]. */
    public static Knob<Double> positive(String name, double defaultValue, String description) {
        return number(name, defaultValue, "in (0, 1e6]", value -> value > 0 && value <= 1e6, description);
    }

    /** A small number that is added where zero would do harm, in [1e-30, 1]: a float, and no denormal one. */
    public static Knob<Double> epsilon(String name, double defaultValue, String description) {
        return number(name, defaultValue, "in [1e-30, 1]", value -> value >= 1e-30 && value <= 1, description);
    }

    /**
     * What curvature is at least, in [1e-12, 1e6]: the largest gradient that an optimizer sees, times the largest learning rate,
     * divided by it is still a float.
     */
    public static Knob<Double> damping(String name, double defaultValue, String description) {
        return number(name, defaultValue, "in [1e-12, 1e6]", value -> value >= 1e-12 && value <= 1e6, description);
    }

    /** A rate or a limit that may be switched off, in [0, 1e6]. */
    public static Knob<Double> nonNegative(String name, double defaultValue, String description) {
        return number(name, defaultValue, "in [0, 1e6]", value -> value >= 0 && value <= 1e6, description);
    }

    private static Knob<Double> number(
            String name, double defaultValue, String range, Function<Double, Boolean> allowed, String description) {
        return new Knob<>(
                name,
                defaultValue,
                "a number " + range,
                description,
                false,
                text -> {
                    double value = Double.parseDouble(text);
                    return allowed.apply(value) ? value : null;
                },
                value -> Double.toString(value));
    }

    /** A whole number, from {@code least} to a billion. */
    public static Knob<Integer> count(String name, int least, int defaultValue, String description) {
        return new Knob<>(
                name,
                defaultValue,
                "a whole number in [" + least + ", " + MOST + "]",
                description,
                false,
                text -> {
                    int value = Integer.parseInt(text);
                    return value >= least && value <= MOST ? value : null;
                },
                value -> Integer.toString(value));
    }

    /** One of an enumeration's constants, written in lower case. */
    public static <E extends Enum<E>> Knob<E> choice(String name, E defaultValue, String description) {
        return choice(name, Arrays.asList(defaultValue.getDeclaringClass().getEnumConstants()), description)
                .withDefault(defaultValue);
    }

    /** One of some of an enumeration's constants; the first is the default. */
    public static <E extends Enum<E>> Knob<E> choice(String name, List<E> choices, String description) {
        E defaultValue = choices.get(0);
        Class<E> type = defaultValue.getDeclaringClass();
        String range = choices.stream()
                .map(constant -> constant.name().toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(", ", "one of ", ""));
        return new Knob<>(
                name,
                defaultValue,
                range,
                description,
                false,
                text -> {
                    E value = Enum.valueOf(type, text.toUpperCase(Locale.ROOT));
                    return choices.contains(value) ? value : null;
                },
                value -> value.name().toLowerCase(Locale.ROOT));
    }

    /** True or false. */
    public static Knob<Boolean> flag(String name, boolean defaultValue, String description) {
        return new Knob<>(
                name,
                defaultValue,
                "true or false",
                description,
                false,
                text -> text.equalsIgnoreCase("true") ? Boolean.TRUE : text.equalsIgnoreCase("false") ? false : null,
                value -> Boolean.toString(value));
    }

    /** The same knob with another default, for an optimizer of the same family. */
    public Knob<T> withDefault(T other) {
        return new Knob<>(name, other, range, description, structural, reader, writer);
    }

    /** The same knob as one that the shape or the meaning of the state depends on: it cannot change between runs. */
    public Knob<T> structural() {
        return new Knob<>(name, defaultValue, range, description, true, reader, writer);
    }

    /** In kebab-case. */
    public String name() {
        return name;
    }

    public T defaultValue() {
        return defaultValue;
    }

    /** What values are allowed, such as {@code a number in [0, 1)}. */
    public String range() {
        return range;
    }

    /** One sentence on what it does. */
    public String description() {
        return description;
    }

    /** Whether the shape or the meaning of the state depends on it. */
    public boolean isStructural() {
        return structural;
    }

    /** @throws IllegalArgumentException with a sentence that says the allowed range */
    public T parse(String text) {
        T value = null;
        try {
            value = reader.apply(text.trim());
        } catch (IllegalArgumentException e) {
            // Said below, like a value that is out of range.
        }
        if (value == null) {
            throw new IllegalArgumentException("'" + name + "' must be " + range + ", was " + text);
        }
        return value;
    }

    /** The text that {@link #parse} reads back to this value. */
    public String text(T value) {
        return writer.apply(value);
    }

    /** The one text of all that mean the same value. */
    String normalise(String text) {
        return text(parse(text));
    }

    String defaultText() {
        return text(defaultValue);
    }

    @Override
    public String toString() {
        return name;
    }
}
