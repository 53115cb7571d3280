// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static io.kronstream.jobs.TopicRecords.header;
import static io.kronstream.jobs.Waiting.await;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.jobs.JobBed.Run;
import io.kronstream.jobs.observer.Oracle;
import io.kronstream.jobs.streams.BuiltInStreams;
import io.kronstream.learner.DataSchema;
import io.kronstream.operators.TrainCounters;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole job on a broker and a cluster: what it learns depends on the stream alone. */
class TrainingJobITCase {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Map<String, String> LAGGED = Map.of("refresh.interval", "5", "refresh.lag", "5");

    private static JobBed bed;

    @BeforeAll
    static void start(@TempDir Path dir) throws Exception {
        bed = new JobBed(dir, 4);
    }

    @AfterAll
    static void stop() {
        bed.close();
    }

    @Test
    void neitherPlaceNorParallelismNorDelayChangesAModel() throws Exception {
        DataSchema schema = BuiltInStreams.byName("sea-keys").orElseThrow().schema();
        List<String> rows = Rows.of("sea-keys", 4000);

        Run remote = bed.run(bed.settings(schema, LAGGED), rows);
        Run inline = bed.run(bed.settings(schema, with(LAGGED, "refresh.mode", "inline")), rows);
        Run parallel = bed.run(bed.settings(schema, with(LAGGED, "job.parallelism", "4")), rows);
        Run delayed = bed.run(
                bed.settings(schema, with(with(LAGGED, "refresh.delay.max", "300 ms"), "state.cache", "100 kb")), rows);

        assertThat(remote.digests()).hasSize(8);
        assertThat(inline.digests()).isEqualTo(remote.digests());
        assertThat(parallel.digests()).isEqualTo(remote.digests());
        assertThat(delayed.digests()).isEqualTo(remote.digests());
        assertThat(new Oracle(remote.settings()).digests(remote.versions().values()))
                .isEqualTo(remote.digests());

        assertThat(remote.counter(TrainCounters.EXAMPLES)).isEqualTo(4000);
        assertThat(remote.counter(TrainCounters.REFRESHES_REMOTE)).isPositive();
        assertThat(inline.counter(TrainCounters.REFRESHES_REMOTE)).isZero();
        assertThat(inline.counter(TrainCounters.REFRESHES_INLINE))
                .as("all of them; those that fall due after the end of the stream are inline")
                .isEqualTo(remote.counter(TrainCounters.REFRESHES_REMOTE)
                        + remote.counter(TrainCounters.REFRESHES_INLINE));
        assertThat(delayed.counter(TrainCounters.REFRESHES_LATE)).isZero();
    }

    @Test
    void aModelThatWaitsForAnAnswerHoldsUpNobodyElse() throws Exception {
        DataSchema schema = BuiltInStreams.byName("sea-keys").orElseThrow().schema();
        List<String> rows = Rows.of("sea-keys", 4000);
        Map<String, String> slow = new HashMap<>(LAGGED);
        slow.put("refresh.delay.max", "5 s");
        slow.put("refresh.delay.model", "shop-3");
        slow.put("batch.size", "16");

        Run prompt = bed.run(bed.settings(schema, with(LAGGED, "batch.size", "16")), rows);
        // The last rows come later: a stream that has ended takes no checkpoint before everything is learned.
        int first = rows.size() - 40;
        Map<String, Long> full = fullBatches(rows.subList(0, first), 16);
        Run run = bed.start(bed.settings(schema, slow), rows, first);
        try (ScoreCounts scores = new ScoreCounts(run.settings())) {
            await(() -> scores.othersHave("shop-3", full));
            assertThat(scores.of("shop-3")).isLessThan(full.get("shop-3"));

            long completed = run.checkpoints().completed();
            await(() -> run.checkpoints().completed() > completed);
            scores.poll();
            assertThat(scores.of("shop-3")).isLessThan(full.get("shop-3"));
        }
        run.sendRest();
        run.awaitEnd();

        assertThat(run.digests()).isEqualTo(prompt.digests());
        assertThat(run.counter(TrainCounters.PARKED)).isPositive();
        assertThat(run.counter(TrainCounters.REFRESHES_LATE)).isZero();
    }

    @Test
    void badRecordsAreSetAsideWithTheirReason() throws Exception {
        DataSchema schema = BuiltInStreams.byName("sea").orElseThrow().schema();
        List<String> good = Rows.of("sea", 1000);
        List<String> rows = new ArrayList<>(good);
        rows.add(100, "1767225600000,one,2,3,1");
        rows.add(500, "1767225600000,1,2,3,maybe");
        rows.add(900, "too,short");

        Run clean = bed.run(bed.settings(schema, Map.of()), good);
        Run run = bed.run(bed.settings(schema, Map.of()), rows);

        assertThat(run.digests()).isEqualTo(clean.digests());
        assertThat(run.counter("rejected")).isEqualTo(3);
        List<ConsumerRecord<byte[], byte[]>> letters = TopicRecords.deadLetters(run.settings());
        assertThat(letters).extracting(letter -> header(letter, "reason")).containsExactly("number", "label", "fields");
        assertThat(letters).extracting(letter -> header(letter, "offset")).containsExactly("100", "500", "900");
        assertThat(letters).allSatisfy(letter -> assertThat(header(letter, "topic"))
                .isEqualTo(run.settings().topics().examples()));
        assertThat(letters)
                .extracting(letter -> new String(letter.value(), StandardCharsets.UTF_8))
                .containsExactly(rows.get(100), rows.get(500), rows.get(900));
    }

    @Test
    void exactlyOnceWritesEachScoreOnceToReadersOfCommittedRecords() throws Exception {
        DataSchema schema = BuiltInStreams.byName("sea").orElseThrow().schema();

        Run run = bed.run(
                bed.settings(schema, Map.of("kafka.delivery", "exactly_once", "checkpoint.timeout", "1 min")),
                Rows.of("sea", 1000));

        assertThat(TopicRecords.of(run.settings(), run.settings().topics().scores()))
                .hasSize(1000);
        assertThat(new Oracle(run.settings()).digests(run.versions().values())).isEqualTo(run.digests());
    }

    @Test
    void theJobsFileStandsBesideItsModels() throws Exception {
        JobSettings settings = bed.settings(
                BuiltInStreams.byName("sea").orElseThrow().schema(),
                Map.of("kafka.properties.ssl.key.password", "secret"));
        try (TopicAdmin admin = TopicAdmin.connect(bed.kafka())) {
            JobTopics.prepare(admin, settings);
        }

        JobSettings found = JobRecord.read(bed.kafka(), settings.topics()).orElseThrow();

        assertThat(found).isEqualTo(settings.withKafka(bed.kafka()));
        assertThat(TopicRecords.of(settings, settings.topics().models()))
                .noneMatch(record -> new String(record.value(), StandardCharsets.UTF_8).contains("secret"));
    }

    /** For each shop the examples that fill whole mini-batches. */
    private static Map<String, Long> fullBatches(List<String> rows, int batch) {
        Map<String, Long> counts = new HashMap<>();
        rows.forEach(row -> counts.merge(row.split(",")[1], 1L, Long::sum));
        counts.replaceAll((shop, count) -> count / batch * batch);
        return counts;
    }

    private static Map<String, String> with(Map<String, String> options, String key, String value) {
        Map<String, String> more = new HashMap<>(options);
        more.put(key, value);
        return more;
    }

    /** Scores per model so far. */
    private static final class ScoreCounts implements AutoCloseable {
        private final KafkaConsumer<byte[], byte[]> consumer;
        private final Map<String, Long> counts = new HashMap<>();

        ScoreCounts(JobSettings settings) {
            consumer = TopicRecords.consumer(settings, settings.topics().scores());
        }

        boolean othersHave(String slow, Map<String, Long> counts) throws Exception {
            poll();
            return counts.entrySet().stream()
                    .allMatch(entry -> entry.getKey().equals(slow) || of(entry.getKey()) >= entry.getValue());
        }

        void poll() throws Exception {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(50))) {
                JsonNode score = JSON.readTree(record.value());
                counts.merge(score.path("model").asText(), 1L, Long::sum);
            }
        }

        long of(String model) {
            return counts.getOrDefault(model, 0L);
        }

        @Override
        public void close() {
            consumer.close();
        }
    }
}
