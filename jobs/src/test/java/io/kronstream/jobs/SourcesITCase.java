// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static io.kronstream.jobs.TopicRecords.header;
import static io.kronstream.jobs.Waiting.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.model.ModelManifest;
import io.kronstream.jobs.JobBed.Run;
import io.kronstream.jobs.observer.Oracle;
import io.kronstream.jobs.streams.BuiltInStreams;
import io.kronstream.learner.DataSchema;
import io.kronstream.operators.TrainCounters;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.concurrent.Future;
import java.util.zip.GZIPOutputStream;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.file.CodecFactory;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a job can learn from: topics, wherever they begin and end, files, and tables. */
class SourcesITCase {
    private static final DataSchema SEA =
            BuiltInStreams.byName("sea").orElseThrow().schema();

    /** A network so slow to learn that a job is stopped long before the end of a file of 40,000 rows. */
    private static final String SLOW = "[256, 256]";

    private static JobBed bed;

    @BeforeAll
    static void start(@TempDir Path dir) throws Exception {
        bed = new JobBed(dir, 2);
    }

    @AfterAll
    static void stop() {
        bed.close();
    }

    @Test
    void aDirectoryOfFilesIsOneStream(@TempDir Path dir) throws Exception {
        List<String> rows = Rows.of("sea", 3000);
        write(dir.resolve("day-1.csv"), rows.subList(0, 1000));
        List<String> spoiled = new ArrayList<>(rows.subList(1000, 3000));
        spoiled.add(500, "too,short");
        write(dir.resolve("day-2.csv.gz"), spoiled);
        Files.writeString(dir.resolve(".hidden"), "no data");

        Run streamed = bed.run(bed.settings(SEA, Map.of()), rows);
        Run run = bed.run(bed.settings(SEA, Map.of("source.file", dir.toString(), "job.parallelism", "2")));

        assertThat(run.digests()).isEqualTo(streamed.digests());
        assertThat(run.versions().get("main").trainedThrough())
                .as("the last line of each file, its header being the first")
                .isEqualTo(Map.of(0, 1001L, 1 << 16, 2002L));
        verify(run);
        assertThat(TopicRecords.deadLetters(run.settings())).singleElement().satisfies(letter -> {
            assertThat(header(letter, "topic")).endsWith("day-2.csv.gz");
            assertThat(header(letter, "offset")).isEqualTo("502");
            assertThat(header(letter, "reason")).isEqualTo("fields");
        });
    }

    @Test
    void aStoppedJobGoesOnInTheMiddleOfAFile(@TempDir Path dir) throws Exception {
        List<String> rows = Rows.of("sea", 40_000);
        Path file = dir.resolve("sea.csv.gz");
        write(file, rows);
        Map<String, String> options = Map.of("source.file", file.toString(), "model.hidden", SLOW);
        JobSettings settings = bed.settings(SEA, options);

        Run first = bed.start(settings, StartFrom.NOTHING);
        await(() -> !first.versions().isEmpty());
        String savepoint = first.stop(dir.resolve("savepoints"));
        assertThat(first.versions().values())
                .allMatch(version -> version.trainedThrough().get(0) < rows.size());
        Run second = bed.start(settings, new StartFrom(savepoint, false));
        second.awaitEnd();

        assertThat(second.counter(TrainCounters.EXAMPLES)).isEqualTo(rows.size());
        assertThat(second.digests())
                .isEqualTo(bed.run(bed.settings(SEA, options)).digests());
        verify(second);
    }

    @Test
    void linesOfJsonAreRecords(@TempDir Path dir) throws Exception {
        List<String> rows = Rows.of("sea", 500);
        Path csv = dir.resolve("sea.csv");
        write(csv, rows);
        Path json = dir.resolve("sea.json");
        List<String> objects = new ArrayList<>();
        for (String row : rows) {
            String[] fields = row.split(",");
            StringBuilder object = new StringBuilder("{");
            for (int i = 0; i < fields.length; i++) {
                object.append(i == 0 ? "" : ",")
                        .append('"')
                        .append(SEA.columns().get(i))
                        .append("\":")
                        .append(fields[i]);
            }
            objects.add(object.append('}').toString());
        }
        Files.write(json, objects);

        Run ofCsv = bed.run(bed.settings(SEA, Map.of("source.file", csv.toString())));
        Run ofJson = bed.run(bed.settings(SEA, Map.of("source.file", json.toString(), "examples.format", "json")));

        assertThat(ofJson.digests()).isEqualTo(ofCsv.digests());
        verify(ofJson);
    }

    @Test
    void rowsOfAvroFilesAreRecords(@TempDir Path dir) throws Exception {
        List<String> rows = Rows.of("sea", 3000);
        Path csv = dir.resolve("sea.csv");
        write(csv, rows);
        Path avro = Files.createDirectory(dir.resolve("avro"));
        writeAvro(avro.resolve("1.avro"), rows.subList(0, 1000), "null");
        byte[] second = writeAvro(avro.resolve("2.avro"), rows.subList(1000, 3000), "deflate");
        Map<String, String> options =
                Map.of("source.file", avro.toString(), "examples.format", "avro", "job.parallelism", "2");

        Run ofCsv = bed.run(bed.settings(SEA, Map.of("source.file", csv.toString())));
        Run ofAvro = bed.run(bed.settings(SEA, options));

        assertThat(ofAvro.digests()).isEqualTo(ofCsv.digests());
        assertThat(ofAvro.versions().get("main").trainedThrough()).isEqualTo(Map.of(0, 1000L, 1 << 16, 2000L));
        verify(ofAvro);

        Files.write(avro.resolve("2.avro"), Arrays.copyOf(second, second.length - 20));
        Run cutOff = bed.run(bed.settings(SEA, options));
        assertThat(cutOff.counter(TrainCounters.EXAMPLES)).isBetween(1001L, 2999L);
        verify(cutOff);
        assertThat(TopicRecords.deadLetters(cutOff.settings())).singleElement().satisfies(letter -> {
            assertThat(header(letter, "topic")).endsWith("2.avro");
            assertThat(header(letter, "reason")).isEqualTo("malformed");
            assertThat(header(letter, "message")).contains("block of the Avro file is broken");
        });
    }

    private static byte[] writeAvro(Path file, List<String> rows, String codec) throws IOException {
        SchemaBuilder.FieldAssembler<Schema> fields =
                SchemaBuilder.record("Sea").fields();
        for (String column : SEA.columns()) {
            fields = column.equals(SEA.time()) ? fields.requiredLong(column) : fields.requiredDouble(column);
        }
        Schema schema = fields.endRecord();
        try (DataFileWriter<GenericRecord> writer =
                new DataFileWriter<>(new GenericDatumWriter<GenericRecord>(schema))) {
            writer.setCodec(CodecFactory.fromString(codec));
            writer.create(schema, file.toFile());
            for (int i = 0; i < rows.size(); i++) {
                GenericRecord record = new GenericData.Record(schema);
                String[] values = rows.get(i).split(",");
                for (Schema.Field field : schema.getFields()) {
                    boolean time = field.name().equals(SEA.time());
                    record.put(
                            field.pos(),
                            time ? (Object) Long.valueOf(values[field.pos()]) : Double.valueOf(values[field.pos()]));
                }
                writer.append(record);
                if (i % 300 == 299) {
                    writer.sync();
                }
            }
        }
        return Files.readAllBytes(file);
    }

    @Test
    void weightsCountAndAreVerified(@TempDir Path dir) throws Exception {
        List<String> columns = new ArrayList<>(SEA.columns());
        columns.add("importance");
        Path file = dir.resolve("weighted.csv");
        List<String> lines = new ArrayList<>(List.of(String.join(",", columns)));
        Rows.of("sea", 1000).forEach(row -> lines.add(row + "," + lines.size() % 3));
        Files.write(file, lines);
        DataSchema.Builder schema = DataSchema.builder(columns, SEA.task(), SEA.label())
                .numbers(SEA.numeric())
                .time(SEA.time());

        Run plain = bed.run(bed.settings(schema.build(), Map.of("source.file", file.toString())));
        Run weighted =
                bed.run(bed.settings(schema.weight("importance").build(), Map.of("source.file", file.toString())));

        assertThat(weighted.digests()).isNotEqualTo(plain.digests());
        verify(weighted);
    }

    @Test
    void filesThatDoNotFitAreRefused(@TempDir Path dir) throws Exception {
        Path other = dir.resolve("other.csv");
        Files.writeString(other, "a,b\n1,2\n");

        assertThatThrownBy(() -> bed.run(bed.settings(SEA, Map.of("source.file", other.toString()))))
                .isInstanceOf(ConnectorException.class)
                .hasMessageContaining("has the columns a, b, but those of the job are");
        assertThatThrownBy(() -> bed.run(bed.settings(
                        SEA, Map.of("source.file", dir.resolve("none.csv").toString()))))
                .isInstanceOf(ConnectorException.class)
                .hasMessageContaining("There is no file");
    }

    @Test
    void aTableIsASource(@TempDir Path dir) throws Exception {
        List<String> rows = Rows.of("sea", 2000);
        Path csv = dir.resolve("sea.csv");
        write(csv, rows);
        Path bare = dir.resolve("bare").resolve("sea.csv");
        Files.createDirectories(bare.getParent());
        Files.write(bare, rows);
        String table = table(bare.getParent());

        Run ofFile = bed.run(bed.settings(SEA, Map.of("source.file", csv.toString())));
        Run ofTable = bed.run(bed.settings(SEA, Map.of("source.sql", table, "job.parallelism", "2")));

        assertThat(ofTable.digests()).isEqualTo(ofFile.digests());
        assertThat(ofTable.counter(TrainCounters.EXAMPLES)).isEqualTo(2000);
        Collection<ModelManifest> versions = ofTable.versions().values();
        assertThatThrownBy(() -> new Oracle(ofTable.settings()).digests(versions))
                .isInstanceOf(ConnectorException.class)
                .hasMessageContaining("cannot be verified");
        assertThatThrownBy(() -> bed.run(bed.settings(SEA, Map.of("source.sql", "CREATE TABLE t (x INT)"))))
                .isInstanceOf(InvalidSettingsException.class)
                .hasMessageContaining("source.sql");
    }

    @Test
    void aStoppedJobGoesOnInTheMiddleOfATable(@TempDir Path dir) throws Exception {
        List<String> rows = Rows.of("sea", 40_000);
        Path data = Files.createDirectory(dir.resolve("data"));
        Files.write(data.resolve("sea.csv"), rows);
        Map<String, String> options = Map.of("source.sql", table(data), "model.hidden", SLOW);
        JobSettings settings = bed.settings(SEA, options);

        Run first = bed.start(settings, StartFrom.NOTHING);
        await(() -> !first.versions().isEmpty());
        String savepoint = first.stop(dir.resolve("savepoints"));
        assertThat(first.versions().values())
                .allMatch(version -> version.trainedThrough().get(0) < rows.size() - 1);
        Run second = bed.start(settings, new StartFrom(savepoint, false));
        second.awaitEnd();

        assertThat(second.counter(TrainCounters.EXAMPLES)).isEqualTo(rows.size());
        assertThat(second.digests())
                .isEqualTo(bed.run(bed.settings(SEA, options)).digests());
    }

    @Test
    void severalTopicsAndPatternsAreReadFromWhereAndToWhereTheJobIsTold() throws Exception {
        DataSchema keyed = BuiltInStreams.byName("sea-keys").orElseThrow().schema();
        List<String> rows = Rows.of("sea-keys", 2000);
        create("shops-a", 2);
        create("shops-b", 1);
        List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            int shop =
                    rows.get(i).split(",")[keyed.columns().indexOf(keyed.key())].hashCode() & 3;
            records.add(record(shop < 2 ? "shops-a" : "shops-b", shop < 2 ? shop : 0, i, rows.get(i)));
        }
        send(records);

        Run all = bed.run(bed.settings(keyed, Map.of("examples.topic-pattern", "shops-.*", "examples.end", "latest")));
        assertThat(all.settings().origins().names()).containsExactly("shops-a", "shops-b");
        assertThat(all.counter(TrainCounters.EXAMPLES)).isEqualTo(2000);
        assertThat(all.counter(TrainCounters.REFUSED)).isZero();
        verify(all);

        Run late = bed.run(bed.settings(
                keyed,
                Map.of(
                        "examples.topics", "[shops-b, shops-a]",
                        "examples.start", "timestamp 2026-01-01T00:00:00.500Z",
                        "examples.end", "timestamp 2026-01-01T00:00:01.500Z")));
        assertThat(late.counter(TrainCounters.EXAMPLES)).isEqualTo(1000);
        late.versions().values().forEach(version -> assertThat(
                        version.trainedFrom().values())
                .singleElement()
                .matches(offset -> offset > 0));
        verify(late);

        Run some = bed.run(bed.settings(
                keyed,
                Map.of(
                        "examples.topics", "[shops-a, shops-b]",
                        "examples.start", "offsets shops-a:1=100 shops-b:0=50",
                        "examples.end", "offsets shops-a:1=200 shops-b:0=150")));
        assertThat(some.counter(TrainCounters.EXAMPLES)).isEqualTo(200);
        verify(some);

        assertThatThrownBy(() -> bed.run(bed.settings(keyed, Map.of("examples.topics", "[shops-a, shops-x]"))))
                .isInstanceOf(ConnectorException.class)
                .hasMessageContaining("There is no topic shops-x");
    }

    @Test
    void newPartitionsAreReadWhileTheJobRuns(@TempDir Path dir) throws Exception {
        List<String> rows = Rows.of("sea", 200);
        create("growing", 1);
        Run run = bed.start(
                bed.settings(
                        SEA,
                        Map.of(
                                "examples.topics", "[growing]",
                                "mode", "arrival",
                                "kafka.properties.partition.discovery.interval.ms", "200")),
                StartFrom.NOTHING);
        send(rows.subList(0, 100).stream()
                .map(row -> record("growing", 0, 0, row))
                .toList());
        await(() -> run.counterNow(TrainCounters.EXAMPLES) == 100);
        try (Admin admin = Admin.create(bed.kafka().client(Map.of(), Map.of()))) {
            admin.createPartitions(Map.of("growing", NewPartitions.increaseTo(2)))
                    .all()
                    .get();
        }
        await(() -> partitions("growing") == 2);
        send(rows.subList(100, 200).stream()
                .map(row -> record("growing", 1, 0, row))
                .toList());
        await(() -> run.counterNow(TrainCounters.EXAMPLES) == 200);
        run.stop(dir);
    }

    /** Its name comes before those that were there, but its place after theirs: also for a job that starts again. */
    @Test
    void topicsThatComeLaterAreReadWhileTheJobRuns(@TempDir Path dir) throws Exception {
        DataSchema keyed = BuiltInStreams.byName("sea-keys").orElseThrow().schema();
        List<List<String>> shops = ofShops(Rows.of("sea-keys", 3000), keyed, 3);
        JobSettings settings = bed.settings(
                keyed,
                Map.of(
                        "examples.topic-pattern", "later-.*",
                        "job.parallelism", "2",
                        "kafka.properties.partition.discovery.interval.ms", "200"));
        create("later-b", 1);
        send(shops.get(0).stream().map(row -> record("later-b", 0, 0, row)).toList());
        Run first = bed.start(settings, StartFrom.NOTHING);
        await(() -> first.counterNow(TrainCounters.EXAMPLES) == shops.get(0).size());

        create("later-a", 2);
        String astray = shops.get(0).get(0);
        send(shops.get(1).stream().map(row -> record("later-a", 1, 0, row)).toList());
        send(List.of(record("later-a", 1, 0, astray)));
        await(() -> first.counterNow(TrainCounters.EXAMPLES)
                == shops.get(0).size() + shops.get(1).size() + 1);
        String savepoint = first.stop(dir);
        create("later-0", 1);
        Run second = bed.start(parallelism(settings, 1), new StartFrom(savepoint, false));
        send(shops.get(2).stream().map(row -> record("later-0", 0, 0, row)).toList());
        send(List.of(record("later-a", 1, 0, shops.get(1).get(0))));
        await(() -> second.counterNow(TrainCounters.EXAMPLES) == 3000 + 2);
        second.finish(dir);
        second.awaitEnd();

        assertThat(second.settings().origins().names()).containsExactly("later-b", "later-a", "later-0");
        assertThat(second.versions().values())
                .flatExtracting(version -> version.trainedThrough().keySet())
                .containsOnly(0, (1 << 16) + 1, 2 << 16);
        verify(second);
        assertThat(TopicRecords.deadLetters(settings)).singleElement().satisfies(letter -> {
            assertThat(header(letter, "topic")).isEqualTo("later-a");
            assertThat(header(letter, "partition")).isEqualTo("1");
            assertThat(header(letter, "reason")).isEqualTo("partition");
            assertThat(header(letter, "message")).contains("of later-b");
        });
    }

    /** As old daily ones are. */
    @Test
    void aTopicOfAPatternMayBeDeletedWhileTheJobRuns(@TempDir Path dir) throws Exception {
        DataSchema keyed = BuiltInStreams.byName("sea-keys").orElseThrow().schema();
        List<List<String>> shops = ofShops(Rows.of("sea-keys", 2000), keyed, 2);
        List<String> half = shops.get(0).subList(0, shops.get(0).size() / 2);
        List<String> rest = shops.get(0).subList(half.size(), shops.get(0).size());
        JobSettings settings = bed.settings(
                keyed,
                Map.of(
                        "examples.topic-pattern", "day-.*",
                        "kafka.properties.partition.discovery.interval.ms", "200"));
        create("day-2", 1);
        create("day-1", 1);
        send(half.stream().map(row -> record("day-2", 0, 0, row)).toList());
        send(shops.get(1).stream().map(row -> record("day-1", 0, 0, row)).toList());
        Run first = bed.start(settings, StartFrom.NOTHING);
        await(() -> first.counterNow(TrainCounters.EXAMPLES)
                == half.size() + shops.get(1).size());

        delete("day-1");
        create("day-3", 1); // found at a look at which the other is gone
        send(shops.get(1).stream().map(row -> record("day-3", 0, 0, row)).toList());
        await(() -> first.counterNow(TrainCounters.REFUSED) == shops.get(1).size());
        String savepoint = first.stop(dir);
        Run second = bed.start(settings, new StartFrom(savepoint, false));
        send(rest.stream().map(row -> record("day-2", 0, 0, row)).toList());
        await(() ->
                second.counterNow(TrainCounters.EXAMPLES) == 2000 + shops.get(1).size());
        second.finish(dir);
        second.awaitEnd();

        assertThat(first.lastFailure()).isEmpty();
        assertThat(second.settings().origins().names()).containsExactly("day-1", "day-2", "day-3");
    }

    private static void delete(String topic) throws Exception {
        try (Admin admin = Admin.create(bed.kafka().client(Map.of(), Map.of()))) {
            admin.deleteTopics(List.of(topic)).all().get();
        }
        await(() -> partitions(topic) == 0);
    }

    private static List<List<String>> ofShops(List<String> rows, DataSchema keyed, int parts) {
        List<List<String>> shops = new ArrayList<>();
        for (int part = 0; part < parts; part++) {
            int wanted = part;
            shops.add(rows.stream()
                    .filter(row -> Math.floorMod(row.split(",")[keyed.columns().indexOf(keyed.key())].hashCode(), parts)
                            == wanted)
                    .toList());
        }
        return shops;
    }

    private static JobSettings parallelism(JobSettings settings, int parallelism) {
        Map<String, String> values = new HashMap<>(settings.values());
        values.put("job.parallelism", Integer.toString(parallelism));
        return JobSettings.of("test", values, settings.learner().schema());
    }

    /** The rows of the files in a directory, in Flink SQL. */
    private static String table(Path directory) {
        String columns = String.join(
                ", ",
                SEA.columns().stream()
                        .map(column -> "`" + column + "` " + (column.equals(SEA.time()) ? "BIGINT" : "DOUBLE"))
                        .toList());
        return "CREATE TABLE sea (" + columns + ", unused AS 1) WITH ('connector' = 'filesystem', 'format' = 'csv',"
                + " 'path' = '" + directory.toUri() + "')";
    }

    private static void verify(Run run) {
        SortedMap<String, String> published = run.digests();
        assertThat(published).isNotEmpty();
        JobSettings recorded =
                JobRecord.read(bed.kafka(), run.settings().topics()).orElseThrow();
        assertThat(new Oracle(recorded).digests(run.versions().values())).isEqualTo(published);
    }

    private static void create(String topic, int partitions) throws Exception {
        try (Admin admin = Admin.create(bed.kafka().client(Map.of(), Map.of()))) {
            admin.createTopics(List.of(new NewTopic(topic, Optional.of(partitions), Optional.empty())))
                    .all()
                    .get();
        }
        await(() -> partitions(topic) == partitions);
    }

    private static int partitions(String topic) {
        try (TopicAdmin admin = TopicAdmin.connect(bed.kafka())) {
            return admin.exists(topic) ? admin.partitions(topic) : 0;
        }
    }

    /** Sent so many milliseconds after the first rows' own time. */
    private static ProducerRecord<byte[], byte[]> record(String topic, int partition, long millis, String row) {
        long timestamp = Instant.parse("2026-01-01T00:00:00Z").toEpochMilli() + millis;
        return new ProducerRecord<>(topic, partition, timestamp, null, row.getBytes(StandardCharsets.UTF_8));
    }

    private static void send(List<ProducerRecord<byte[], byte[]>> records) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                bed.kafka().client(Map.of(), Map.of()), new ByteArraySerializer(), new ByteArraySerializer())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            records.forEach(record -> sent.add(producer.send(record)));
            for (Future<RecordMetadata> one : sent) {
                one.get();
            }
        }
    }

    private static void write(Path file, List<String> rows) throws IOException {
        try (OutputStream bytes = Files.newOutputStream(file);
                OutputStream out = file.toString().endsWith(".gz") ? new GZIPOutputStream(bytes) : bytes) {
            out.write((String.join(",", SEA.columns()) + "\n" + String.join("\n", rows) + "\n")
                    .getBytes(StandardCharsets.UTF_8));
        }
    }
}
