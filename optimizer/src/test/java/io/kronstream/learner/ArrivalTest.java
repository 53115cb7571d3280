// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** In arrival mode the journals and the examples give back every version, to the last bit. */
class ArrivalTest {
    private static final int PARTITIONS = 3;

    @ParameterizedTest(name = "forecast {0}, lag {1}, batch interval {2}")
    @CsvSource({"false, 0, 0", "false, 3, 0", "false, 3, 9000", "true, 3, 0", "true, 0, 20000000"})
    void everyVersionIsReplayedFromItsJournals(boolean forecast, int lag, long batchInterval) {
        LearnerSettings settings = settings(forecast, lag, batchInterval);
        List<Example> stream = interleaved(forecast ? LearnerRun.seriesStream(400) : LearnerRun.binaryStream(400));
        SplittableRandom clock = new SplittableRandom(11);
        LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE);
        List<PublishedModel> versions = new ArrayList<>();
        for (Example example : stream) {
            run.feed(List.of(example));
            if (clock.nextInt(20) == 0) {
                assertThat(run.learner.closeOpen(run)).isTrue();
            }
            if (clock.nextInt(60) == 0) {
                run.learner.publish().ifPresent(versions::add);
            }
            if (clock.nextInt(50) == 0) {
                run.restart();
            }
        }
        run.finish().learner.publish().ifPresent(versions::add);

        assertThat(versions).hasSizeGreaterThan(3);
        LearnerRun replay = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE);
        Map<Integer, Map<Long, Example>> topic = topic(stream);
        String previous = "";
        for (PublishedModel version : versions) {
            assertThat(version.mode()).isEqualTo("arrival");
            assertThat(version.journal().previousDigest()).isEqualTo(previous);
            Journal.replay(version.journal(), new Replay(replay, topic));
            assertThat(replay.learner.step()).isEqualTo(version.step());
            assertThat(replay.learner.digest()).isEqualTo(version.modelDigest());
            assertThat(replay.learner.trainedThrough()).isEqualTo(version.trainedThrough());
            previous = version.modelDigest();
        }
        assertThat(replay.scores).isEqualTo(run.scores);
    }

    private static LearnerSettings settings(boolean forecast, int lag, long batchInterval) {
        LearnerSettings ordered = LearnerTest.settings(
                forecast ? LearnerRun.forecastSchema(4, 3) : LearnerRun.binarySchema(), "dykaf", lag);
        return new LearnerSettings(
                ordered.schema(),
                ordered.network(),
                ordered.optimizer(),
                ordered.batch(),
                batchInterval,
                lag,
                ordered.seed(),
                Mode.ARRIVAL,
                RefreshPolicy.PLAIN);
    }

    /** The same examples dealt to partitions, each in its order, and drawn from them by chance. */
    private static List<Example> interleaved(List<Example> stream) {
        SplittableRandom random = new SplittableRandom(5);
        List<Example> interleaved = new ArrayList<>();
        long[] next = new long[PARTITIONS];
        for (Example example : stream) {
            int partition = random.nextInt(PARTITIONS);
            interleaved.add(new Example(
                    example.model(),
                    partition,
                    next[partition] += 1 + random.nextInt(3),
                    example.timestamp(),
                    example.numeric(),
                    example.categorical(),
                    example.label()));
        }
        return interleaved;
    }

    private static Map<Integer, Map<Long, Example>> topic(List<Example> examples) {
        Map<Integer, Map<Long, Example>> topic = new HashMap<>();
        for (Example example : examples) {
            topic.computeIfAbsent(example.partition(), partition -> new HashMap<>())
                    .put(example.offset(), example);
        }
        return topic;
    }

    private record Replay(LearnerRun run, Map<Integer, Map<Long, Example>> topic) implements Journal.Visitor {
        @Override
        public void run(int partition, long from, long to, long examples) {
            for (long offset = from; offset <= to; offset++) {
                Example example = topic.get(partition).get(offset);
                if (example != null) {
                    run.feed(List.of(example));
                }
            }
        }

        @Override
        public void closed() {
            run.learner.closeOpen(run);
        }

        @Override
        public void finished() {
            run.finish();
        }
    }
}
