// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static io.kronstream.jobs.TopicRecords.header;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.connectors.example.DecodeFunction;
import io.kronstream.jobs.JobBed.Run;
import io.kronstream.jobs.observer.Oracle;
import io.kronstream.jobs.streams.BuiltInStreams;
import io.kronstream.learner.DataSchema;
import io.kronstream.operators.TrainCounters;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A stream of JSON in which every third record is broken, each in another way. */
class WhateverArrivesITCase {
    private static final DataSchema SEA =
            BuiltInStreams.byName("sea").orElseThrow().schema();
    private static final long SENT = 1_767_225_600_000L;
    private static final Map<String, String> OPTIONS =
            Map.of("examples.format", "json", "kafka.delivery", "exactly_once", "checkpoint.timeout", "1 min");

    private static JobBed bed;

    @BeforeAll
    static void start(@TempDir Path dir) throws Exception {
        bed = new JobBed(dir, 1);
    }

    @AfterAll
    static void stop() {
        bed.close();
    }

    private record Broken(String reason, byte[] value) {}

    private static List<Broken> broken() {
        List<Broken> ways = new ArrayList<>();
        ways.add(new Broken("empty", null));
        ways.add(text("empty", ""));
        ways.add(text("empty", "   "));
        ways.add(text("empty", "[]"));
        ways.add(text("malformed", "hello"));
        ways.add(text("malformed", "1767225600000,1,2,3,1"));
        ways.add(text("malformed", "{\"x1\": 1, \"x2\""));
        ways.add(text("malformed", row("x1", "1") + "}"));
        ways.add(text("malformed", "[".repeat(100_000)));
        ways.add(text("malformed", "{\"x1\":".repeat(100_000)));
        ways.add(text("malformed", row("x1", "NaN")));
        ways.add(text("malformed", row("x1", "-Infinity")));
        ways.add(text("malformed", row("x1", "1, \"x1\": 2")));
        ways.add(text("number", row("x1", "\"NaN\"")));
        ways.add(text("number", row("x1", "1e400")));
        ways.add(text("number", row("x1", "9".repeat(400))));
        ways.add(text("number", row("x1", "\"one\"")));
        ways.add(text("number", row("x1", "true")));
        ways.add(text("type", row("x1", "[1]")));
        ways.add(text("type", row("x1", "{\"value\": 1}")));
        ways.add(text("label", row("label", "2")));
        ways.add(text("label", row("label", "0.5")));
        ways.add(text("label", row("label", "\"maybe\"")));
        ways.add(text("time", row("time", "null")));
        ways.add(text("time", row("time", "\"yesterday\"")));
        ways.add(text("time", row("time", "\"2099-01-01\"")));
        ways.add(text("time", row("time", "1e30")));
        ways.add(new Broken("encoding", new byte[] {'{', '"', (byte) 0xe9, '"', ':', '1', '}'}));
        ways.add(new Broken("encoding", row("x1", "1").getBytes(StandardCharsets.UTF_16LE)));
        ways.add(new Broken("encoding", new byte[] {0, 0, 0, 0, 7, 2, 4}));
        ways.add(new Broken("oversized", new byte[(1 << 20) + 1]));
        ways.add(text("number", "[" + row("x1", "1") + "," + row("x1", "\"one\"") + "]"));
        return ways;
    }

    private static Broken text(String reason, String json) {
        return new Broken(reason, json.getBytes(StandardCharsets.UTF_8));
    }

    /** A good row but for one field. */
    private static String row(String field, String value) {
        Map<String, String> fields =
                new HashMap<>(Map.of("time", "" + SENT, "x1", "1", "x2", "2", "x3", "3", "label", "1"));
        fields.put(field, value);
        StringBuilder json = new StringBuilder("{");
        for (String column : SEA.columns()) {
            json.append(json.length() > 1 ? "," : "")
                    .append('"')
                    .append(column)
                    .append("\":")
                    .append(fields.get(column));
        }
        return json.append('}').toString();
    }

    private static List<byte[]> good(int count) {
        Iterator<String> rows = BuiltInStreams.byName("sea").orElseThrow().rows(1);
        List<byte[]> good = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String[] fields = rows.next().split(",");
            String json = String.format(
                    "{\"time\":%s,\"x1\":%s,\"x2\":%s,\"x3\":%s,\"label\":%s%s}",
                    fields[0], fields[1], fields[2], fields[3], fields[4], i % 2 == 0 ? "" : ",\"new\":[{\"a\":1}]");
            good.add(json.getBytes(StandardCharsets.UTF_8));
        }
        return good;
    }

    @Test
    void everyGoodRecordIsLearnedOnceAndEveryBadOneSetAsideOnce() throws Exception {
        List<Broken> ways = broken();
        List<byte[]> good = good(20 * ways.size());
        List<byte[]> values = new ArrayList<>();
        List<Broken> expected = new ArrayList<>();
        List<String> offsets = new ArrayList<>();
        for (int i = 0; i < good.size(); i++) {
            values.add(good.get(i));
            if (i % 2 == 1) {
                Broken one = ways.get(i / 2 % ways.size());
                offsets.add(Integer.toString(values.size()));
                expected.add(one);
                values.add(one.value());
            }
        }

        Run clean = bed.runValues(bed.settings(SEA, OPTIONS), good, SENT);
        Run run = bed.runValues(bed.settings(SEA, OPTIONS), values, SENT);

        assertThat(run.digests()).hasSize(1).isEqualTo(clean.digests());
        assertThat(run.counter(TrainCounters.EXAMPLES)).isEqualTo(good.size());
        assertThat(run.counter(DecodeFunction.REJECTED)).isEqualTo(expected.size());
        List<ConsumerRecord<byte[], byte[]>> letters = TopicRecords.deadLetters(run.settings());
        assertThat(letters).extracting(letter -> header(letter, "offset")).containsExactlyElementsOf(offsets);
        for (int i = 0; i < letters.size(); i++) {
            ConsumerRecord<byte[], byte[]> letter = letters.get(i);
            Broken one = expected.get(i);
            assertThat(header(letter, "reason")).as(header(letter, "message")).isEqualTo(one.reason());
            assertThat(header(letter, "topic"))
                    .isEqualTo(run.settings().topics().examples());
            assertThat(header(letter, "partition")).isEqualTo("0");
            assertThat(header(letter, "timestamp")).isEqualTo(Long.toString(SENT));
            assertThat(header(letter, "message")).isNotBlank().hasSizeLessThan(400);
            assertThat(letter.value()).isEqualTo(cut(one.value()));
        }
    }

    @Test
    void aRecordOf50MegabytesIsSetAsideAndWhatComesTwiceOrLateIsLearned() throws Exception {
        List<byte[]> good = good(200);
        List<byte[]> values = new ArrayList<>(good);
        values.add(100, new byte[50 << 20]);
        values.addAll(good.subList(0, 50)); // again, with times before those of the last ones

        Run run = bed.runValues(bed.settings(SEA, OPTIONS), values, SENT);

        assertThat(run.counter(TrainCounters.EXAMPLES)).isEqualTo(250);
        assertThat(TopicRecords.deadLetters(run.settings())).singleElement().satisfies(letter -> {
            assertThat(header(letter, "reason")).isEqualTo("oversized");
            assertThat(header(letter, "offset")).isEqualTo("100");
            assertThat(letter.value()).hasSize(DecodeFunction.MAX_DEAD_LETTER_BYTES);
        });
        assertThat(new Oracle(run.settings()).digests(run.versions().values())).isEqualTo(run.digests());
    }

    @Test
    void aStreamThatHasGoneBadStopsTheJobForGood() throws Exception {
        Map<String, String> options = new HashMap<>(OPTIONS);
        options.put("examples.max-rejected-share", "0.5");
        options.put("examples.rejected-window", "100");
        List<byte[]> values = new ArrayList<>(good(100));
        for (int i = 0; i < 100; i++) {
            values.add(new byte[] {'{'});
        }

        assertThatThrownBy(() -> bed.runValues(bed.settings(SEA, options), values, SENT))
                .isInstanceOf(JobFailure.class)
                .hasMessageContaining("The stream has gone bad: of the last 100 records up to topic ")
                .hasMessageContaining(" partition 0 offset 199, 100 were rejected");
    }

    private static byte[] cut(byte[] value) {
        return value == null || value.length <= DecodeFunction.MAX_DEAD_LETTER_BYTES
                ? value
                : Arrays.copyOf(value, DecodeFunction.MAX_DEAD_LETTER_BYTES);
    }
}
