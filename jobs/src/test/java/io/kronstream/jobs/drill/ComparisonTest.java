// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.jobs.drill.Transcript.Place;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Whatever a crash could spoil is noticed. */
class ComparisonTest {
    private static final String SCORE = "{\"prediction\": 0.5}";

    @Test
    void equalRunsDifferInNothing() {
        assertThat(differences(run -> {})).isEmpty();
    }

    @Test
    void aLostScore() {
        assertThat(differences(run -> run.scores().remove(new Place(0, 1))))
                .anyMatch(line -> line.startsWith("the disturbed run lost examples: 1, the first at"))
                .anyMatch(line -> line.contains("1 scores of ... differ"));
    }

    @Test
    void aScoreThatComesTwice() {
        assertThat(differences(run -> run.scores().put(new Place(0, 0), List.of(SCORE, SCORE))))
                .anyMatch(line -> line.startsWith("the disturbed run scored examples more than once: 1"));
    }

    @Test
    void anotherScore() {
        assertThat(differences(run -> run.scores().put(new Place(0, 0), List.of("{\"prediction\": 0.6}"))))
                .singleElement()
                .asString()
                .contains("1 scores of ... differ")
                .contains("0.6");
    }

    @Test
    void aDeadLetterThatComesTwice() {
        assertThat(differences(run -> run.deadLetters().put(new Place(1, 0), List.of("bad", "bad"))))
                .anyMatch(line -> line.startsWith("the disturbed run rejected examples more than once: 1"));
    }

    @Test
    void anExampleThatIsScoredAndRejected() {
        assertThat(differences(run -> run.scores().put(new Place(1, 0), List.of(SCORE))))
                .anyMatch(line -> line.startsWith("the disturbed run scored examples and rejected them: 1"));
    }

    @Test
    void anotherVersion() {
        assertThat(differences(run -> run.manifests().put("shop/manifest/1", List.of("a", "c"))))
                .singleElement()
                .asString()
                .contains("1 manifests of ... differ; of shop/manifest/1");
    }

    @Test
    void aVersionThatIsNotWhole() {
        assertThat(differences(run -> run.versions().remove("shop version 3")))
                .singleElement()
                .asString()
                .contains("1 published bytes of ... differ; of shop version 3");
    }

    @Test
    void aVersionThatWasPublishedTwice() {
        assertThat(differences(run -> run.manifests().put("shop/manifest/1", List.of("a", "b", "b"))))
                .hasSize(1);
    }

    @Test
    void aModelTooMany() {
        assertThat(differences(run -> run.manifests().put("other/manifest/1", List.of("a"))))
                .singleElement()
                .asString()
                .contains("the undisturbed run has nothing");
    }

    @Test
    void whereOrderIsThatOfArrivalOnlyLossesCount() {
        Transcript disturbed = transcript();
        disturbed.manifests().put("shop/manifest/1", List.of("c"));
        disturbed.scores().put(new Place(0, 0), List.of("{\"prediction\": 0.6}"));

        assertThat(Comparison.differences(transcript(), disturbed, false)).isEmpty();

        disturbed.scores().remove(new Place(0, 1));
        assertThat(Comparison.differences(transcript(), disturbed, false)).hasSize(1);
    }

    @Test
    void aLossOfBothRuns() {
        Transcript one = transcript();
        one.scores().remove(new Place(0, 1));
        Transcript other = transcript();
        other.scores().remove(new Place(0, 1));

        assertThat(Comparison.differences(one, other, true)).hasSize(2);
    }

    private static List<String> differences(Consumer<Transcript> spoil) {
        Transcript disturbed = transcript();
        spoil.accept(disturbed);
        return Comparison.differences(transcript(), disturbed, true);
    }

    /** Two examples of one partition scored, one of another rejected, two versions of a model. */
    private static Transcript transcript() {
        SortedMap<Place, List<String>> scores = new TreeMap<>();
        scores.put(new Place(0, 0), List.of(SCORE));
        scores.put(new Place(0, 1), List.of(SCORE));
        return new Transcript(
                new TreeMap<>(Map.of("shop/manifest/1", List.of("a", "b"))),
                new TreeMap<>(Map.of("shop version 1", "abc", "shop version 3", "def")),
                scores,
                new TreeMap<>(Map.of(new Place(1, 0), List.of("bad"))),
                new TreeMap<>(Map.of(0, 2L, 1, 1L)));
    }
}
