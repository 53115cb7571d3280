// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.evaluation.WindowMetrics;
import io.kronstream.fisher.RefreshMethod;
import io.kronstream.learner.Command;
import io.kronstream.learner.ControlState;
import io.kronstream.learner.Example;
import io.kronstream.learner.JournalSegment;
import io.kronstream.learner.LearnerLayout;
import io.kronstream.learner.PublishedModel;
import io.kronstream.learner.RefreshAnswer;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.Score;
import io.kronstream.linalg.TensorSpec;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.EOFException;
import java.io.IOException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class CodecTest {
    /** Longer than one chunk and than what is allocated at once, and not a multiple of either. */
    private static final int LARGE_SIDE = 301;

    private static final Example EXAMPLE =
            new Example("clicks", 3, 1L << 40, -1, new double[] {1.5, Double.NaN, -0.0}, new int[] {7, -1}, Double.NaN);

    static Stream<Arguments> values() {
        return Stream.of(
                Arguments.of(new ExampleCodec(), EXAMPLE),
                Arguments.of(
                        new ExampleCodec(),
                        Example.command("m", 1, 2, 3, new Command("i", Command.Kind.SET, 4, "name", null))),
                Arguments.of(new ParkedExamplesCodec(), new ParkedExamples(Collections.nCopies(64, EXAMPLE))),
                Arguments.of(
                        new ModelScoreCodec(),
                        new ModelScore("größe", new Score(1, 2, 0, 3, 4, 0.5, 1, Double.NaN, Double.MIN_VALUE))),
                Arguments.of(
                        new ModelScoreCodec(),
                        new ModelScore("m", new Score(1, 2, 0, 3, 4, 0.5, 2, 0.1, 0.2, 1, new Score.Answers(2, 0, 1)))),
                Arguments.of(
                        new PublishedModelCodec(),
                        new PublishedModel(
                                "m",
                                2,
                                20,
                                640,
                                new TreeMap<>(Map.of(0, 0L, 4, 7L)),
                                new TreeMap<>(Map.of(0, 639L, 4, 12L)),
                                true,
                                "arrival",
                                "c",
                                "f",
                                "d",
                                new byte[100_000],
                                new JournalSegment("e", new byte[] {2, 0, 9}),
                                new ControlState(
                                        true,
                                        new TreeMap<>(Map.of("optimizer.learning-rate", "0.5")),
                                        List.of(new ControlState.Applied("1", "pause", "", null, 7, 0, 9))))),
                Arguments.of(
                        new LearnerLayoutCodec(),
                        new LearnerLayout(
                                new TreeMap<>(Map.of("model.hidden", "[8]")),
                                List.of(TensorSpec.dense("w", 2, 3), TensorSpec.symmetric("l", 4)),
                                List.of("w"),
                                List.of("steps"))),
                Arguments.of(new RefreshRequestCodec(), request(LARGE_SIDE, true)),
                Arguments.of(new RefreshRequestCodec(), request(2, false)),
                Arguments.of(new RefreshAnswerCodec(), answer(LARGE_SIDE)),
                Arguments.of(
                        new RefreshAnswerCodec(),
                        new RefreshAnswer("m", 0, 1, 9, "c", "f", false, 5, new float[0], new float[0], new int[0])),
                Arguments.of(
                        new WindowMetricsCodec(),
                        new WindowMetrics(
                                "m",
                                0,
                                1000,
                                7,
                                20,
                                new TreeMap<>(Map.of("auc", 0.5, "logLoss", 0.25)),
                                new TreeMap<>(),
                                new TreeMap<>(Map.of("logLoss", 0.5)),
                                40,
                                new TreeMap<>(Map.of("auc", 0.75)))),
                Arguments.of(
                        new DeadLetterCodec(),
                        new DeadLetter("t", 0, 1, 2, "malformed", "Line 1 is odd", null, new byte[] {1, 2})));
    }

    @ParameterizedTest
    @MethodSource("values")
    <T> void whatIsWrittenIsRead(Codec<T> codec, T value) throws IOException {
        byte[] bytes = codec.toBytes(value);

        T read = codec.fromBytes(bytes);

        assertThat(bytes[0]).isEqualTo((byte) codec.layout());
        assertSameBits(read, value);
        assertThat(codec.toBytes(read)).isEqualTo(bytes); // every bit, also of what compares equal
    }

    /** Bytes as releases wrote them: a change of a codec needs a new layout. */
    @Test
    void layoutsAreWhatTheReleasesWrote() throws Exception {
        List<String> digests = new ArrayList<>();
        for (Arguments arguments : values().toList()) {
            digests.add(digest(arguments.get()[0], arguments.get()[1]));
        }
        assertThat(digests)
                .containsExactly(
                        "Example 3 232ee7884f1c2fcb",
                        "Example 3 688f715706a6b6b9",
                        "ParkedExamples 1 630feccf31f9fd1f",
                        "ModelScore 4 b47372bc2e9525dc",
                        "ModelScore 4 a0534ad69a41a275",
                        "PublishedModel 3 f38cf2d39f66d354",
                        "LearnerLayout 1 bcff030f49640ac0",
                        "RefreshRequest 1 f09a30f76aafc5e0",
                        "RefreshRequest 1 d82297d47d3405a4",
                        "RefreshAnswer 1 90bffee5a7701a36",
                        "RefreshAnswer 1 fa8ba2eac6563cfd",
                        "WindowMetrics 1 05609193c1ccdcb6",
                        "DeadLetter 1 f80f07b32c1749c6");
    }

    @SuppressWarnings("unchecked")
    private static <T> String digest(Object codec, Object value) throws Exception {
        byte[] bytes = ((Codec<T>) codec).toBytes((T) value);
        String sha256 =
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        return ((Codec<T>) codec).name() + " " + ((Codec<T>) codec).layout() + " " + sha256.substring(0, 16);
    }

    @Test
    void examplesOfLayoutOneHaveNeitherRowNorWeight() throws Exception {
        DataOutputSerializer out = new DataOutputSerializer(64);
        out.writeByte(1);
        Wire.writeString("m", out);
        out.writeInt(3);
        out.writeLong(4);
        out.writeLong(5);
        out.writeInt(1);
        out.writeDouble(0.5);
        out.writeInt(0);
        out.writeDouble(7);

        assertThat(new ExampleCodec().fromBytes(out.getCopyOfBuffer()))
                .usingRecursiveComparison()
                .isEqualTo(new Example("m", 3, 4, 0, 5, new double[] {0.5}, new int[0], 7, 1));
    }

    @Test
    void scoresOfLayoutOneHaveNoRow() throws Exception {
        DataOutputSerializer out = new DataOutputSerializer(64);
        out.writeByte(1);
        Wire.writeString("m", out);
        out.writeInt(1);
        for (long number : new long[] {2, 3, 4}) {
            out.writeLong(number);
        }
        for (double number : new double[] {5, 6, 7, 8}) {
            out.writeDouble(number);
        }

        assertThat(new ModelScoreCodec().fromBytes(out.getCopyOfBuffer()))
                .isEqualTo(new ModelScore("m", new Score(1, 2, 0, 3, 4, 5, 6, 7, 8)));
    }

    @ParameterizedTest
    @MethodSource("values")
    <T> void aNewerLayoutIsRefusedWithBothNumbers(Codec<T> codec, T value) {
        byte[] bytes = codec.toBytes(value);
        bytes[0] = (byte) (codec.layout() + 1);

        assertThatThrownBy(() -> codec.fromBytes(bytes))
                .isInstanceOf(IOException.class)
                .hasMessage(
                        "%s layout %d is newer than this job's %d; upgrade the job",
                        codec.name(), codec.layout() + 1, codec.layout());
    }

    @ParameterizedTest
    @MethodSource("values")
    <T> void cutAndLengthenedBytesAreRefused(Codec<T> codec, T value) {
        byte[] bytes = codec.toBytes(value);

        assertThatThrownBy(() -> codec.fromBytes(Arrays.copyOf(bytes, bytes.length - 1)))
                .isInstanceOf(IOException.class);
        assertThatThrownBy(() -> codec.fromBytes(Arrays.copyOf(bytes, bytes.length + 3)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("followed by 3 bytes");
    }

    @Test
    void aLengthAboveItsLimitIsRefused() {
        DataInputDeserializer huge = new DataInputDeserializer(new byte[] {0x7f, -1, -1, -1});

        assertThatThrownBy(() -> Wire.readString(huge))
                .isInstanceOf(IOException.class)
                .hasMessage("The length of a string must lie in [0, 1048576], was 2147483647");
    }

    @Test
    void aLengthThatTheBytesDoNotKeepEndsEarlyAndNotInMemory() {
        DataInputDeserializer few = new DataInputDeserializer(new byte[1000]);

        // 2^30 floats would be 4 GiB, more than the test's heap
        assertThatThrownBy(() -> Wire.readFloats(1 << 30, few)).isInstanceOf(EOFException.class);
    }

    @ParameterizedTest
    @MethodSource("values")
    <T> void theSerializerSurvivesItsSnapshot(Codec<T> codec, T value) throws IOException {
        TypeSerializer<T> serializer = serializer(codec);
        DataOutputSerializer bytes = new DataOutputSerializer(16);
        serializer.serialize(value, bytes);

        TypeSerializerSnapshot<T> before = readSnapshot(snapshotBytes(serializer));
        T read = before.restoreSerializer().deserialize(new DataInputDeserializer(bytes.getCopyOfBuffer()));

        assertSameBits(read, value);
        assertThat(serializer
                        .snapshotConfiguration()
                        .resolveSchemaCompatibility(before)
                        .isCompatibleAsIs())
                .isTrue();
    }

    @Test
    void olderLayoutsAreReadBesideNewerOnes() throws IOException {
        WordCodec.newest = 1;
        byte[] old = new WordCodec().toBytes(new Word("tea", 0));
        byte[] oldSnapshot = snapshotBytes(serializer(new WordCodec()));
        WordCodec.newest = 2;

        assertThat(new WordCodec().fromBytes(old)).isEqualTo(new Word("tea", 0));
        assertThat(new WordCodec().fromBytes(new WordCodec().toBytes(new Word("tea", 5))))
                .isEqualTo(new Word("tea", 5));
        assertThat(serializer(new WordCodec())
                        .snapshotConfiguration()
                        .resolveSchemaCompatibility(CodecTest.<Word>readSnapshot(oldSnapshot))
                        .isCompatibleAsIs())
                .isTrue();
    }

    @Test
    void aSavepointWithANewerLayoutIsRefusedByNameAndBothNumbers() throws IOException {
        WordCodec.newest = 2;
        byte[] snapshot = snapshotBytes(serializer(new WordCodec()));
        WordCodec.newest = 1;

        assertThatThrownBy(() -> readSnapshot(snapshot))
                .isInstanceOf(IOException.class)
                .hasMessage("Word layout 2 is newer than this job's 1; upgrade the job");
    }

    @Test
    void stateOfAnotherTypeIsIncompatible() throws IOException {
        TypeSerializerSnapshot<Word> words = readSnapshot(snapshotBytes(serializer(new WordCodec())));
        @SuppressWarnings("unchecked")
        TypeSerializerSnapshot<Word> examples = (TypeSerializerSnapshot<Word>)
                (TypeSerializerSnapshot<?>) readSnapshot(snapshotBytes(serializer(new ExampleCodec())));

        assertThat(words.resolveSchemaCompatibility(examples).isIncompatible()).isTrue();
    }

    /** Recursive, and NaN equals itself. */
    private static void assertSameBits(Object actual, Object expected) {
        assertThat(actual)
                .usingRecursiveComparison()
                .withEqualsForType((a, b) -> Double.compare(a, b) == 0, Double.class)
                .withEqualsForType((a, b) -> Float.compare(a, b) == 0, Float.class)
                .isEqualTo(expected);
    }

    private static <T> TypeSerializer<T> serializer(Codec<T> codec) {
        @SuppressWarnings("unchecked")
        Class<T> type = (Class<T>) Object.class;
        return new CodecTypeInformation<>(type, codec).createSerializer(new SerializerConfigImpl());
    }

    private static byte[] snapshotBytes(TypeSerializer<?> serializer) throws IOException {
        DataOutputSerializer out = new DataOutputSerializer(16);
        TypeSerializerSnapshot.writeVersionedSnapshot(out, serializer.snapshotConfiguration());
        return out.getCopyOfBuffer();
    }

    private static <T> TypeSerializerSnapshot<T> readSnapshot(byte[] bytes) throws IOException {
        return TypeSerializerSnapshot.readVersionedSnapshot(
                new DataInputDeserializer(bytes), CodecTest.class.getClassLoader());
    }

    private static RefreshRequest request(int size, boolean withBasis) {
        return new RefreshRequest(
                "m",
                1,
                0,
                4,
                40,
                "c",
                "f",
                RefreshMethod.QR_ITERATION,
                size,
                0.25,
                -0.5,
                floats(size * (size + 1) / 2),
                floats(withBasis ? 0 : size * (size + 1) / 2),
                floats(withBasis ? size * size : 0));
    }

    private static RefreshAnswer answer(int size) {
        int[] permutation = new int[size];
        for (int i = 0; i < size; i++) {
            permutation[i] = size - 1 - i;
        }
        return new RefreshAnswer("m", 1, 0, 4, "c", "f", true, size, floats(size * size), floats(size), permutation);
    }

    private static float[] floats(int length) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = Float.intBitsToFloat(0x3f800000 + 77 * i);
        }
        return values;
    }

    record Word(String text, int count) {}

    /** Layout 2 adds a count. */
    public static final class WordCodec implements Codec<Word> {
        private static final long serialVersionUID = 1;

        static int newest = 1;

        @Override
        public int layout() {
            return newest;
        }

        @Override
        public void write(Word value, DataOutput out) throws IOException {
            Wire.writeString(value.text(), out);
            if (newest >= 2) {
                out.writeInt(value.count());
            }
        }

        @Override
        public Word read(int layout, DataInput in) throws IOException {
            return new Word(Wire.readString(in), layout >= 2 ? in.readInt() : 0);
        }
    }
}
