// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.linalg.TensorSpec;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What the bytes of a learner's state mean: enough to read them without the settings, or the release, that wrote them.
 *
 * @param structure the part of the settings that the state depends on, by option key: {@link LearnerSettings#structure()}
 * @param tensors of the arena, in the order in which they are stored
 * @param parameters names of the tensors that the network computes with; the others are the optimizer's memory
 * @param counters of the arena, in the order in which they are stored
 */
public record LearnerLayout(
        SortedMap<String, String> structure, List<TensorSpec> tensors, List<String> parameters, List<String> counters) {

    private static final List<String> OF_THE_OPTIMIZER = List.of("optimizer.", "refresh.");

    public LearnerLayout {
        structure = Collections.unmodifiableSortedMap(new TreeMap<>(structure));
        tensors = List.copyOf(tensors);
        parameters = List.copyOf(parameters);
        counters = List.copyOf(counters);
    }

    /** Digest (16 hex digits): equal for equal layouts. It stands in each learner's state, in requests and in answers. */
    public String digest() {
        StringBuilder text = new StringBuilder();
        structure.forEach(
                (key, value) -> text.append(key).append('=').append(value).append('\n'));
        tensors.forEach(tensor -> text.append(tensor).append('\n'));
        parameters.forEach(name -> text.append(name).append('\n'));
        counters.forEach(name -> text.append(name).append('\n'));
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256").digest(text.toString().getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }

    /** Every difference to the layout of a job that is to read this one, old and new value; empty if it can be read. */
    public List<String> differences(LearnerLayout job) {
        List<String> differences = new ArrayList<>(structuralDifferences(job, false));
        if (differences.isEmpty() && !equals(job)) {
            differences.add(memoryDifference(job));
        }
        return differences;
    }

    /** The differences that remain if the job takes nothing but what does not belong to the optimizer. */
    public List<String> differencesWithoutOptimizer(LearnerLayout job) {
        List<String> differences = new ArrayList<>(structuralDifferences(job, true));
        if (differences.isEmpty() && !parameterTensors().equals(job.parameterTensors())) {
            differences.add("the parameters were " + parameterTensors() + ", are " + job.parameterTensors());
        }
        return differences;
    }

    /** The tensors that the network computes with. */
    public List<TensorSpec> parameterTensors() {
        return tensors.stream()
                .filter(tensor -> parameters.contains(tensor.name()))
                .toList();
    }

    private List<String> structuralDifferences(LearnerLayout job, boolean withoutOptimizer) {
        TreeSet<String> keys = new TreeSet<>(structure.keySet());
        keys.addAll(job.structure.keySet());
        List<String> differences = new ArrayList<>();
        for (String key : keys) {
            boolean counts = !withoutOptimizer || OF_THE_OPTIMIZER.stream().noneMatch(key::startsWith);
            if (counts && !shown(structure, key).equals(shown(job.structure, key))) {
                differences.add("'" + key + "' was " + shown(structure, key) + ", is " + shown(job.structure, key));
            }
        }
        return differences;
    }

    private static String shown(Map<String, String> structure, String key) {
        return structure.getOrDefault(key, "not there");
    }

    /** Equal settings, other tensors: the optimizer of another release remembers something else. */
    private String memoryDifference(LearnerLayout job) {
        TreeSet<String> changed = new TreeSet<>();
        tensors.stream().filter(tensor -> !job.tensors.contains(tensor)).forEach(tensor -> changed.add(tensor.name()));
        job.tensors.stream().filter(tensor -> !tensors.contains(tensor)).forEach(tensor -> changed.add(tensor.name()));
        counters.stream().filter(counter -> !job.counters.contains(counter)).forEach(changed::add);
        job.counters.stream().filter(counter -> !counters.contains(counter)).forEach(changed::add);
        return "the release that wrote it keeps other tensors or counters"
                + (changed.isEmpty() ? ", or in another order" : ": " + String.join(", ", changed));
    }
}
