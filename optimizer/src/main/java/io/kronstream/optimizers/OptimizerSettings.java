// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * An optimizer by name, and those of its knobs that differ from their defaults. Equal settings are equal by value,
 * however they were written: texts are kept in one form, and a knob set to its default is not kept.
 *
 * @param name {@code dykaf}, {@code adam}, ...: see {@link Optimizers#names()}
 * @param knobs text of each knob that was set to something else than its default, by the knob's name; what is wrong with
 *     them is said by {@link #problems()}
 */
public record OptimizerSettings(String name, SortedMap<String, String> knobs) implements Serializable {
    public OptimizerSettings {
        SortedMap<String, String> kept = new TreeMap<>(knobs);
        for (Knob<?> knob : Optimizers.knobs(name)) {
            kept.computeIfPresent(knob.name(), (key, text) -> normalise(knob, text));
        }
        knobs = Collections.unmodifiableSortedMap(kept);
    }

    /** Null for the default; a text that cannot be read stays as it is. */
    private static String normalise(Knob<?> knob, String text) {
        try {
            String normal = knob.normalise(text);
            return normal.equals(knob.defaultText()) ? null : normal;
        } catch (IllegalArgumentException e) {
            return text;
        }
    }

    public static OptimizerSettings defaults(String name) {
        return new OptimizerSettings(name, new TreeMap<>());
    }

    /** Whether the optimizer has a knob of this name. */
    public boolean has(Knob<?> knob) {
        return own(knob.name()).isPresent();
    }

    /**
     * The value of the optimizer's knob of this name: what it was set to, or else the optimizer's own default.
     *
     * @throws IllegalArgumentException if the optimizer has no such knob, or {@link #problems()} names it
     */
    public <T> T get(Knob<T> knob) {
        Knob<?> own = own(knob.name()).orElseThrow(() -> new IllegalArgumentException(unknown(knob.name())));
        return knob.parse(text(own));
    }

    /** The same settings with this knob at another value. */
    public <T> OptimizerSettings with(Knob<T> knob, T value) {
        return with(knob.name(), knob.text(value));
    }

    /** The same settings with the knob of this name at the value that the text means. */
    public OptimizerSettings with(String knob, String text) {
        SortedMap<String, String> changed = new TreeMap<>(knobs);
        changed.put(knob, text);
        return new OptimizerSettings(name, changed);
    }

    /** Text of every knob of the optimizer, set or not, by name. */
    public SortedMap<String, String> values() {
        SortedMap<String, String> values = new TreeMap<>(knobs);
        Optimizers.knobs(name).forEach(knob -> values.put(knob.name(), text(knob)));
        return values;
    }

    /**
     * Text of each structural knob, by name: with the optimizer's name, what its state's shape and meaning depend on. What
     * can be put around any optimizer counts where it was.
     */
    public SortedMap<String, String> structure() {
        SortedMap<String, String> structure = new TreeMap<>();
        for (Knob<?> knob : Optimizers.ownKnobs(name)) {
            if (knob.isStructural()) {
                structure.put(knob.name(), text(knob));
            }
        }
        for (Knob<?> knob : Optimizers.knobsAround(name)) {
            if (knob.isStructural() && knobs.containsKey(knob.name())) {
                structure.put(knob.name(), text(knob));
            }
        }
        return structure;
    }

    /** Everything that is wrong, one sentence each; empty if nothing is. */
    public List<String> problems() {
        if (!Optimizers.names().contains(name)) {
            return List.of("unknown optimizer '" + name + "'; known are " + String.join(", ", Optimizers.names()));
        }
        List<String> problems = new ArrayList<>();
        for (Map.Entry<String, String> set : knobs.entrySet()) {
            Optional<Knob<?>> knob = own(set.getKey());
            if (knob.isEmpty()) {
                problems.add(unknown(set.getKey()));
                continue;
            }
            try {
                knob.get().parse(set.getValue());
            } catch (IllegalArgumentException e) {
                problems.add(e.getMessage());
            }
        }
        return problems;
    }

    private String text(Knob<?> own) {
        return knobs.getOrDefault(own.name(), own.defaultText());
    }

    private Optional<Knob<?>> own(String knob) {
        return Optimizers.knobs(name).stream()
                .filter(own -> own.name().equals(knob))
                .findFirst();
    }

    private String unknown(String knob) {
        return "'" + name + "' has no knob '" + knob + "'; it has "
                + Optimizers.knobs(name).stream().map(Knob::name).collect(Collectors.joining(", "));
    }

    /** The name and what was set, such as {@code adam beta1=0.5}. */
    @Override
    public String toString() {
        return knobs.entrySet().stream()
                .map(set -> " " + set.getKey() + "=" + set.getValue())
                .collect(Collectors.joining("", name, ""));
    }
}
