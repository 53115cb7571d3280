// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.atIndex;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kronstream.connectors.format.RowFormat;
import io.kronstream.connectors.format.UndecodableException;
import io.kronstream.learner.Category;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Example;
import io.kronstream.learner.Task;
import io.kronstream.network.Pooling;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExampleDecoderTest {
    private static final long KAFKA_TIME = 1_577_836_800_000L;

    private final ExampleDecoder clicks = new ExampleDecoder(Schemas.clicks(), "default");
    private final ExampleDecoder regression = new ExampleDecoder(Schemas.regression(), "default");

    @Test
    void readsEveryColumn() throws Exception {
        Example example = only(clicks, raw("2020-01-02 03:04:05,u7,1.5,DE,23,1"));

        assertThat(example.model()).isEqualTo("u7");
        assertThat(example.partition()).isEqualTo(3);
        assertThat(example.offset()).isEqualTo(42);
        assertThat(example.timestamp())
                .isEqualTo(Instant.parse("2020-01-02T03:04:05Z").toEpochMilli());
        assertThat(example.numeric()).containsExactly(1.5, 23);
        assertThat(example.categorical()).hasSize(1);
        assertThat(example.categorical()[0]).isBetween(0, 15);
        assertThat(example.label()).isEqualTo(1);
    }

    @Test
    void aWeightIsANumberThatIsNotNegative() throws Exception {
        ExampleDecoder weighted = new ExampleDecoder(
                DataSchema.builder(List.of("x", "y", "w"), Task.REGRESSION, "y")
                        .numeric(List.of("x"))
                        .weight("w")
                        .build(),
                "default");

        assertThat(only(weighted, raw("1,2,0.25")).weight()).isEqualTo(0.25);
        assertThat(only(weighted, raw("1,2,0")).weight()).isZero();
        assertThat(only(weighted, raw("1,2,")).weight()).isEqualTo(1);
        for (String wrong : List.of("-1", "heavy", "1e99")) {
            assertThat(catchThrowableOfType(UndecodableException.class, () -> weighted.decode(raw("1,2," + wrong)))
                            .reason())
                    .isEqualTo("weight");
        }
    }

    @Test
    void takesDefaultModelAndKafkaTimeWhereTheSchemaNamesNone() throws Exception {
        Example example = only(regression, raw("1,2,-3e2"));

        assertThat(example.model()).isEqualTo("default");
        assertThat(example.timestamp()).isEqualTo(KAFKA_TIME);
        assertThat(example.numeric()).containsExactly(2, 1);
        assertThat(example.label()).isEqualTo(-300);
    }

    @Test
    void readsEmptyFieldsAsMissing() throws Exception {
        Example example = only(clicks, raw("2020-01-02,u7,, ,\"\", "));

        assertThat(example.numeric()).containsExactly(Double.NaN, Double.NaN);
        assertThat(example.label()).isNaN();
        assertThat(only(clicks, raw("2020-01-02,u7,,,,")).categorical()).containsExactly(-1);
        assertThat(only(regression, raw(",,")).label()).isNaN();
    }

    @Test
    void readsQuotedFieldsAndOneLineBreakAtTheEnd() throws Exception {
        Example example = only(clicks, raw("\"2020-01-02\",\"a \"\"b\"\", c\",\" 1.5 \",\"x,y\",\"1\",\"0\"\r\n"));

        assertThat(example.model()).isEqualTo("a \"b\", c");
        assertThat(example.numeric()).containsExactly(1.5, 1);
        assertThat(example.label()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"0,0", "1,1", "0.0,0", "1.0,1", "-0,0", "1e0,1", "true,1", "TRUE,1", "True,1", "false,0", "False,0"})
    void readsBinaryLabels(String text, double expected) throws Exception {
        assertThat(only(clicks, raw("2020-01-02,u,1,DE,1," + text)).label()).isEqualTo(expected);
    }

    @Test
    void putsAPeriodicColumnAfterTheNumericOnesInOrderOfNames() throws Exception {
        DataSchema schema = DataSchema.builder(List.of("n", "week", "hour", "y"), Task.REGRESSION, "y")
                .numeric(List.of("n"))
                .periodic(Map.of("week", 7.0, "hour", 24.0))
                .build();

        assertThat(only(new ExampleDecoder(schema, "m"), raw("1,2,3,4")).numeric())
                .containsExactly(1, 3, 2);
    }

    /** Values from an independent implementation in Python 3 (FNV-1a 64, fmix64, modulo). */
    @ParameterizedTest
    @CsvSource({"DE,6", "FR,2", "scattered clouds,12", "Zürich,5", "🚲,3"})
    void hashesCategoriesTheSameEverywhere(String value, int bucket) throws Exception {
        assertThat(only(clicks, raw("2020-01-02,u,1," + value + ",1,1")).categorical())
                .containsExactly(bucket);
    }

    @Test
    void cutsAFieldOfSeveralCategoriesAtItsSeparator() throws Exception {
        DataSchema schema = DataSchema.builder(List.of("tags", "country", "more", "y"), Task.REGRESSION, "y")
                .categorical(List.of(
                        new Category("tags", 1000, 4, "::", Pooling.MEAN),
                        Category.oneHot("country", 1000),
                        new Category("more", 1000, 0, "|", Pooling.SUM)))
                .build();
        ExampleDecoder decoder = new ExampleDecoder(schema, "m");
        int[] single = only(decoder, raw("a,DE,b,1")).categorical();

        int[] several = only(decoder, raw("::a::::a,DE,c|b|,1")).categorical();

        assertThat(single).hasSize(5).startsWith(1).contains(1, atIndex(3));
        assertThat(several).hasSize(7);
        assertThat(Arrays.copyOf(several, 5)).containsExactly(2, single[1], single[1], single[2], 2);
        assertThat(several[6]).isEqualTo(single[4]);
        assertThat(only(decoder, raw(",,,1")).categorical()).containsExactly(0, -1, 0);
        assertThat(only(decoder, raw("x" + "::x".repeat(4095) + ",,,1")).categorical())
                .hasSize(4096 + 3);
        assertThatThrownBy(() -> decoder.decode(raw("x" + "::x".repeat(4096) + ",,,1")))
                .hasMessage("Column 'tags' holds more than 4096 values")
                .extracting("reason")
                .isEqualTo("category");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "2020-01-02,u,1,DE,1                  | fields    | The record has 5 fields, the schema has 6 columns: column 'click' and what follows are missing",
                "2020-01-02,u,1,DE,1,1,7              | fields    | The record has 7 fields, the schema has 6 columns: there are fields after column 'click'",
                "only text                            | fields    | The record has 1 fields, the schema has 6 columns: column 'user' and what follows are missing",
                "{\"x\":1}                            | fields    | The record has 1 fields, the schema has 6 columns: column 'user' and what follows are missing",
                "2020-01-02,u,abc,DE,1,1              | number    | Column 'x' is not a number: 'abc'",
                "2020-01-02,u,NaN,DE,1,1              | number    | Column 'x' is not a number: 'NaN'",
                "2020-01-02,u,Infinity,DE,1,1         | number    | Column 'x' is not a number: 'Infinity'",
                "2020-01-02,u,-inf,DE,1,1             | number    | Column 'x' is not a number: '-inf'",
                "2020-01-02,u,1e400,DE,1,1            | number    | Column 'x' is beyond the range of single precision: '1e400'",
                "2020-01-02,u,-1e39,DE,1,1            | number    | Column 'x' is beyond the range of single precision: '-1e39'",
                "2020-01-02,u,0x10,DE,1,1             | number    | Column 'x' is not a number: '0x10'",
                "2020-01-02,u,1f,DE,1,1               | number    | Column 'x' is not a number: '1f'",
                "2020-01-02,u,\"1,5\",DE,1,1          | number    | Column 'x' is not a number: '1,5'",
                "2020-01-02,u,1 2,DE,1,1              | number    | Column 'x' is not a number: '1 2'",
                "2020-01-02,u,None,DE,1,1             | number    | Column 'x' is not a number: 'None'",
                "2020-01-02,u,1,DE,noon,1             | number    | Column 'hour' is not a number: 'noon'",
                "2020-01-02,u,1,DE,1,2                | label     | Column 'click' must be 0, 1, false or true, was '2'",
                "2020-01-02,u,1,DE,1,0.5              | label     | Column 'click' must be 0, 1, false or true, was '0.5'",
                "2020-01-02,u,1,DE,1,-1               | label     | Column 'click' must be 0, 1, false or true, was '-1'",
                "2020-01-02,u,1,DE,1,yes              | label     | Column 'click' must be 0, 1, false or true, was 'yes'",
                "2020-01-02,u,1,DE,1,NaN              | label     | Column 'click' must be 0, 1, false or true, was 'NaN'",
                ",u,1,DE,1,1                          | time      | Column 'time', the time, is empty",
                "yesterday,u,1,DE,1,1                 | time      | Column 'time' is not a time: 'yesterday'",
                "2020-02-30,u,1,DE,1,1                | time      | Column 'time' is not a time: '2020-02-30'",
                "2021-01-02,u,1,DE,1,1                | time      | Column 'time' lies 367 days after the time at which the record was sent: '2021-01-02'",
                "2020-01-02 25:00:00,u,1,DE,1,1       | time      | Column 'time' is not a time: '2020-01-02 25:00:00'",
                "2020-01-02,,1,DE,1,1                 | key       | Column 'user', which names the model, is empty",
                "2020-01-02,u,1,\"DE,1,1              | malformed | The quotes of column 'country' are never closed",
                "2020-01-02,u,1,\"D\"E,1,1            | malformed | There is text after the closing quotes of column 'country'",
                "2020-01-02,u,1~2020-01-02,u,1        | fields    | The record has 3 fields, the schema has 6 columns",
                "2020-01-02,u,1,DE,1,1~2020-01-02,u,1 | fields    | Row 2: The record has 3 fields, the schema has 6 columns",
                "2020-01-02,u,1,DE,1,1~~              | fields    | Row 2: The record has 1 fields, the schema has 6 columns",
                "2020-01-02,u,1,DE,1,1,\"             | malformed | The quotes of field 7, which has no column, are never closed",
                "~                                    | fields    | The record has 1 fields, the schema has 6 columns: column 'user' and what follows are missing",
                "2020-01-02,u,a~b,DE,1,1              | fields    | The record has 3 fields, the schema has 6 columns",
                "2020-01-02,u,\"a~b\",DE,1,1          | number    | Column 'x' is not a number: 'a?b'",
            })
    void rejectsWithReasonAndSentence(String line, String reason, String sentence) {
        assertRejected(clicks, raw(line.replace('~', '\n')), reason, sentence);
    }

    @Test
    void rejectsWhatIsNoText() {
        assertRejected(regression, raw((byte[]) null), "empty", "The record has no value");
        assertRejected(regression, raw(new byte[0]), "empty", "The record has no value");
        assertRejected(regression, raw(new byte[] {'1', ',', (byte) 0xe9, ',', '2'}), "encoding", "is not UTF-8");
        assertRejected(regression, raw(new byte[] {(byte) 0xc0, (byte) 0x80, ',', ','}), "encoding", "is not UTF-8");
        assertRejected(regression, raw(new byte[RowFormat.MAX_VALUE_BYTES + 1]), "oversized", "has 1048577 bytes");
    }

    @Test
    void rejectsAbsurdLengths() {
        assertRejected(regression, raw("1" + "0".repeat(100) + ",2,3"), "number", "Column 'a' is not a number: '1000");
        assertRejected(clicks, raw("2020-01-02," + "u".repeat(201) + ",1,DE,1,1"), "key", "has 201 bytes");
        assertRejected(regression, raw("1,2," + "y".repeat(1000)), "label", "'" + "y".repeat(40) + "...'");
    }

    /** Whatever bytes come: an example or a reason, never another exception. */
    @Test
    void neverFailsOtherwise() {
        long seed = 20261120;
        Random random = new Random(seed);
        byte[] good = "2020-01-02 03:04:05.678+01:00,\"u \"\"7\",1.5e3,\"DE\",23,true".getBytes(StandardCharsets.UTF_8);
        for (int round = 0; round < 100_000; round++) {
            byte[] mutated = good.clone();
            for (int i = 1 + random.nextInt(4); i > 0; i--) {
                int alphabet = random.nextInt(3);
                mutated[random.nextInt(mutated.length)] = alphabet == 0
                        ? (byte) random.nextInt(256)
                        : (byte) "\",\n\r 0-.eE+:TZ".charAt(random.nextInt(14));
            }
            try {
                Example example = only(clicks, raw(mutated));
                assertThat(example.numeric()).hasSize(2);
            } catch (UndecodableException e) {
                assertThat(e.reason()).matches("[a-z]+");
                assertThat(e.sentence()).isNotBlank();
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + ", round " + round, e);
            }
        }
    }

    @Test
    void travelsWithTheJob() throws Exception {
        ExampleDecoder copy = InstantiationUtil.clone(clicks);

        assertThat(only(copy, raw("2020-01-02,ü,1.5,DE,23,1")).model()).isEqualTo("ü");
    }

    @Test
    void refusesSchemasWithProblems() {
        DataSchema schema = DataSchema.builder(List.of("a"), Task.BINARY, "b")
                .numeric(List.of("a"))
                .build();

        assertThatThrownBy(() -> new ExampleDecoder(schema, "m"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'b'");
    }

    private static void assertRejected(ExampleDecoder decoder, RawRecord raw, String reason, String sentence) {
        UndecodableException rejected = catchThrowableOfType(UndecodableException.class, () -> decoder.decode(raw));
        assertThat(rejected).isNotNull();
        assertThat(rejected.sentence()).contains(sentence);
        assertThat(rejected.reason()).isEqualTo(reason);
    }

    private static Example only(ExampleDecoder decoder, RawRecord raw) throws UndecodableException {
        List<Example> examples = decoder.decode(raw);
        assertThat(examples).hasSize(1);
        return examples.get(0);
    }

    private static RawRecord raw(String line) {
        return raw(line.getBytes(StandardCharsets.UTF_8));
    }

    private static RawRecord raw(byte[] value) {
        return new RawRecord("t", 3, 42, KAFKA_TIME, null, value);
    }

    @Test
    void numbersOfThingsAreTheirOwnBuckets() throws Exception {
        DataSchema schema = DataSchema.builder(List.of("id", "y"), Task.REGRESSION, "y")
                .categorical(List.of(new Category("id", 1000, 4, null, Pooling.SUM, true)))
                .build();
        ExampleDecoder decoder = new ExampleDecoder(schema, "m");
        for (String id : List.of("0", "7", "007", "999", "1007", "999999999999999999")) {
            assertThat(only(decoder, raw(id + ",1")).categorical()).containsExactly((int) (Long.parseLong(id) % 1000));
        }
        assertThat(only(decoder, raw(",1")).categorical()).containsExactly(-1);
        for (String name : List.of("x7", "-7", "7.0", "9999999999999999999")) {
            ExampleDecoder hashing = new ExampleDecoder(
                    DataSchema.builder(List.of("id", "y"), Task.REGRESSION, "y")
                            .categorical(List.of(Category.embedded("id", 1000, 4)))
                            .build(),
                    "m");
            assertThat(only(decoder, raw(name + ",1")).categorical())
                    .isEqualTo(only(hashing, raw(name + ",1")).categorical());
        }
    }

    @Test
    void aClassIsItsPlaceAmongTheClasses() throws Exception {
        DataSchema schema = DataSchema.builder(List.of("x", "y"), Task.CLASSIFICATION, "y")
                .classes(List.of("0", "1", "two words"))
                .numeric(List.of("x"))
                .build();
        ExampleDecoder decoder = new ExampleDecoder(schema, "m");
        assertThat(only(decoder, raw("3,0")).label()).isZero();
        assertThat(only(decoder, raw("3, 1.0")).label()).isEqualTo(1);
        assertThat(only(decoder, raw("3,two words ")).label()).isEqualTo(2);
        assertThat(only(decoder, raw("3, ")).label()).isNaN();
        for (String label : List.of("2", "-1", "0.5", "1e300", "two", "NaN")) {
            assertRejected(
                    decoder, raw("3," + label), "label", "Column 'y' must be one of 3 classes, was '" + label + "'");
        }
    }
}
