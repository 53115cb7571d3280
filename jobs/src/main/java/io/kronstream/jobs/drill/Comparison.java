// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

import io.kronstream.jobs.drill.Transcript.Place;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;

/** Compares what two runs have left, and says what differs. */
final class Comparison {
    private final List<String> differences = new ArrayList<>();

    private Comparison() {}

    /**
     * A sentence for each kind of difference; none if a run equals the undisturbed one and every example is there once.
     *
     * @param ordered whether the two runs must have learned in the same order; else models and scores may differ
     */
    static List<String> differences(Transcript calm, Transcript disturbed, boolean ordered) {
        Comparison comparison = new Comparison();
        comparison.everyExampleOnce("the undisturbed run", calm);
        comparison.everyExampleOnce("the disturbed run", disturbed);
        comparison.equal("examples of partition", calm.examples(), disturbed.examples());
        comparison.equal("dead letters of", calm.deadLetters(), disturbed.deadLetters());
        if (!ordered) {
            return comparison.differences;
        }
        comparison.equal("manifests of", calm.manifests(), disturbed.manifests());
        comparison.equal("published bytes of", calm.versions(), disturbed.versions());
        comparison.equal("scores of", calm.scores(), disturbed.scores());
        return comparison.differences;
    }

    /** Each example has one score or one dead letter. */
    private void everyExampleOnce(String run, Transcript transcript) {
        SortedSet<Place> missing = new TreeSet<>();
        transcript.examples().forEach((partition, count) -> {
            for (long offset = 0; offset < count; offset++) {
                Place place = new Place(partition, offset);
                if (!transcript.scores().containsKey(place)
                        && !transcript.deadLetters().containsKey(place)) {
                    missing.add(place);
                }
            }
        });
        say(run + " lost examples", missing);
        say(run + " scored examples more than once", repeated(transcript.scores()));
        say(run + " rejected examples more than once", repeated(transcript.deadLetters()));
        SortedSet<Place> both = new TreeSet<>(transcript.scores().keySet());
        both.retainAll(transcript.deadLetters().keySet());
        say(run + " scored examples and rejected them", both);
    }

    private static SortedSet<Place> repeated(SortedMap<Place, List<String>> results) {
        SortedSet<Place> repeated = new TreeSet<>();
        results.forEach((place, records) -> {
            if (records.size() > 1) {
                repeated.add(place);
            }
        });
        return repeated;
    }

    private <K extends Comparable<K>, V> void equal(String what, SortedMap<K, V> calm, SortedMap<K, V> disturbed) {
        SortedSet<K> different = new TreeSet<>();
        calm.forEach((key, value) -> {
            if (!value.equals(disturbed.get(key))) {
                different.add(key);
            }
        });
        disturbed.keySet().stream().filter(key -> !calm.containsKey(key)).forEach(different::add);
        if (!different.isEmpty()) {
            K first = different.first();
            differences.add("%,d %s ... differ; of %s the undisturbed run has %s, the disturbed one %s"
                    .formatted(different.size(), what, first, shown(calm.get(first)), shown(disturbed.get(first))));
        }
    }

    private static String shown(Object value) {
        String text = Objects.toString(value, "nothing");
        return text.length() <= 300 ? text : text.substring(0, 300) + "...";
    }

    private void say(String what, SortedSet<Place> places) {
        if (!places.isEmpty()) {
            differences.add("%s: %,d, the first at %s".formatted(what, places.size(), places.first()));
        }
    }
}
