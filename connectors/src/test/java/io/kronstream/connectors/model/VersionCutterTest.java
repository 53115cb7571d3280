// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.connectors.TopicSettings;
import io.kronstream.learner.Category;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Forecast;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.NetworkSettings;
import io.kronstream.learner.PublishedModel;
import io.kronstream.learner.Task;
import io.kronstream.network.LayerSpec;
import io.kronstream.optimizers.OptimizerSettings;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VersionCutterTest {

    @Test
    void writesTheChunksThenTheManifest() {
        List<ModelRecord> records = Models.records(Models.published("shop/eu", 5, 2500, 1), 1000);

        assertThat(records)
                .extracting(ModelRecord::key)
                .containsExactly("shop/eu/chunk/1/0", "shop/eu/chunk/1/1", "shop/eu/chunk/1/2", "shop/eu/manifest/1");
        assertThat(records).extracting(ModelRecord::model).containsOnly("shop/eu");
        assertThat(records)
                .extracting(record -> record.value().length - ModelChunk.PREFIX_BYTES)
                .startsWith(1000, 1000, 500);
    }

    @Test
    void manifestIsJsonWithEveryProperty() {
        PublishedModel published = Models.published("m", 2, 3, 1);
        List<ModelRecord> records = Models.records(published, 1000);

        String sha = ModelChunk.sha256(published.payload());
        assertThat(new String(records.get(1).value(), StandardCharsets.UTF_8))
                .isEqualTo("{\"layout\":1,\"model\":\"m\",\"version\":2,\"step\":20,\"examples\":640,"
                        + "\"trainedFrom\":{\"0\":0,\"3\":11},\"trainedThrough\":{\"0\":639,\"3\":17},\"finished\":false,\"mode\":\"ordered\","
                        + "\"configuration\":\"c0ffee\",\"fingerprint\":\"Haswell OpenBLAS\",\"modelDigest\":\"" + sha
                        + "\",\"payloadBytes\":3,\"payloadSha256\":\"" + sha
                        + "\",\"chunks\":[{\"index\":0,\"bytes\":3,\"sha256\":\"" + sha + "\"}]}");
    }

    @Test
    void equalVersionsGiveEqualBytes() {
        assertThat(Models.records(Models.published("m", 7, 5000, 1), 512))
                .usingRecursiveFieldByFieldElementComparator()
                .isEqualTo(Models.records(Models.published("m", 7, 5000, 1), 512));
    }

    @Test
    void recordsFitInTheTopicAtTheDefaultSize() {
        assertThat(Models.records(Models.published("m", 1, 3 << 20, 1), VersionCutter.DEFAULT_CHUNK_BYTES))
                .hasSize(7)
                .allSatisfy(record -> assertThat(record.value().length).isLessThan(TopicSettings.MAX_RECORD_BYTES));
        assertThat(VersionCutter.chunkBytes(TopicSettings.MAX_RECORD_BYTES))
                .isEqualTo(VersionCutter.DEFAULT_CHUNK_BYTES);
        assertThat(VersionCutter.chunkBytes(10_000)).isLessThan(10_000);
    }

    @Test
    void writesOnlyTheChunksThatChangedSinceTheSlotWasWritten() {
        VersionCutter cutter = Models.cutter(1000);
        byte[] payload = Models.published("m", 1, 2500, 1).payload();
        cutter.cut(Models.published("m", 1, payload));
        cutter.cut(Models.published("m", 2, payload));
        byte[] changed = payload.clone();
        changed[1500]++;

        assertThat(cutter.cut(Models.published("m", 3, changed)))
                .extracting(ModelRecord::key)
                .containsExactly("m/chunk/1/1", "m/manifest/1");
        assertThat(cutter.cut(Models.published("m", 4, changed)))
                .extracting(ModelRecord::key)
                .containsExactly("m/chunk/0/1", "m/manifest/0");
        assertThat(cutter.cut(Models.published("m", 5, changed)))
                .extracting(ModelRecord::key)
                .containsExactly("m/manifest/1");
    }

    @Test
    void deletesTheChunksThatASmallerVersionHasNot() {
        VersionCutter cutter = Models.cutter(1000);
        cutter.cut(Models.published("m", 1, 2500, 1));
        cutter.cut(Models.published("m", 2, 2500, 1));

        List<ModelRecord> smaller = cutter.cut(Models.published("m", 3, 900, 1));

        assertThat(smaller)
                .extracting(ModelRecord::key)
                .containsExactly("m/chunk/1/0", "m/chunk/1/1", "m/chunk/1/2", "m/manifest/1");
        assertThat(smaller.subList(1, 3)).extracting(ModelRecord::value).containsOnlyNulls();
    }

    @Test
    void withdrawsTheManifestsFirst() {
        VersionCutter cutter = Models.cutter(1000);
        cutter.cut(Models.published("m", 1, 1500, 1));
        cutter.cut(Models.published("m", 2, 500, 1));
        cutter.cut(Models.published("other", 1, 500, 1));

        assertThat(cutter.withdraw("m"))
                .allSatisfy(record -> assertThat(record.value()).isNull())
                .extracting(ModelRecord::key)
                .containsExactly("m/manifest/0", "m/manifest/1", "m/chunk/0/0", "m/chunk/1/0", "m/chunk/1/1");
        assertThat(cutter.cut(Models.published("m", 1, 1500, 1))).hasSize(3);
    }

    /** Whatever a learner can be, its manifest says it and reads back the same. */
    @Test
    void theManifestSaysWhatTheModelIs() {
        LearnerSettings learner = new LearnerSettings(
                DataSchema.builder(List.of("a", "c", "d", "t", "y"), Task.REGRESSION, "y")
                        .numeric(List.of("a"))
                        .categorical(List.of(Category.oneHot("c", 4), Category.embedded("d", 100, 8)))
                        .periodic(Map.of("a", 24.0))
                        .time("t")
                        .forecast(new Forecast(3, 2))
                        .build(),
                NetworkSettings.of(LayerSpec.parse("[dense: 8, layer-norm, relu, dense: 4, tanh]")),
                OptimizerSettings.defaults("dykaf").with("learning-rate", "0.25"),
                16,
                2000,
                10,
                7);

        List<ModelRecord> records = new VersionCutter(1 << 20, 1000, learner).cut(Models.published("m", 1, 100, 1));

        assertThat(ModelManifest.fromBytes(records.get(1).value()).learner()).isEqualTo(learner);
    }

    @Test
    void refersToAFile() {
        List<ModelRecord> records = Models.cutter(1000).refer(Models.published("m", 1, 5000, 1), "file:/there");

        assertThat(records).extracting(ModelRecord::key).containsExactly("m/manifest/1");
        ModelManifest manifest = ModelManifest.fromBytes(records.get(0).value());
        assertThat(manifest.reference()).isEqualTo("file:/there");
        assertThat(manifest.payloadBytes()).isEqualTo(5000);
        assertThat(manifest.chunks()).isEmpty();
    }

    @Test
    void saysThatAManifestIsTooLarge() {
        assertThatThrownBy(() -> new VersionCutter(4096, 10, null).cut(Models.published("m", 1, 5000, 1)))
                .hasMessageStartingWith("The manifest of version 1 of model 'm' has ")
                .hasMessageContaining("raise max.message.bytes");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "m",
                "m/manifest",
                "m/manifest/2",
                "m/manifest/00",
                "/manifest/1",
                "m/chunk/1",
                "m/chunk/1/",
                "m/chunk/1/x",
                "m/chunk/1/-1",
                "m/chunk/1/9999999999",
                "m/other/1/1"
            })
    void knowsItsKeys(String stranger) {
        assertThat(ModelKeys.parse(stranger)).isEmpty();
        assertThat(ModelKeys.parse("a/chunk/1/2/manifest/0"))
                .isEqualTo(Optional.of(new ModelKeys.ModelKey("a/chunk/1/2", 0, ModelKeys.MANIFEST)));
        assertThat(ModelKeys.parse(ModelKeys.chunk("a/b", 3, 12)))
                .isEqualTo(Optional.of(new ModelKeys.ModelKey("a/b", 1, 12)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "not json",
                "[]",
                "null",
                "{}",
                "{\"layout\":2,\"model\":\"m\",\"version\":1,\"trainedThrough\":{},\"modelDigest\":\"x\",\"payloadSha256\":\"x\",\"payloadBytes\":0,\"chunks\":[]}",
                "{\"layout\":1,\"model\":\"m\",\"version\":0,\"trainedThrough\":{},\"modelDigest\":\"x\",\"payloadSha256\":\"x\",\"payloadBytes\":0,\"chunks\":[]}",
                "{\"layout\":1,\"model\":\"m\",\"version\":1,\"trainedThrough\":{},\"modelDigest\":\"x\",\"payloadSha256\":\"x\",\"payloadBytes\":9,\"chunks\":[]}",
                "{\"layout\":1,\"model\":\"m\",\"version\":1,\"trainedThrough\":{},\"modelDigest\":\"x\",\"payloadSha256\":\"x\",\"payloadBytes\":-1,\"chunks\":[{\"index\":0,\"bytes\":-1,\"sha256\":\"x\"}]}",
                "{\"layout\":1,\"model\":\"m\",\"version\":1,\"trainedThrough\":{},\"modelDigest\":\"x\",\"payloadSha256\":\"x\",\"payloadBytes\":1,\"chunks\":[{\"index\":1,\"bytes\":1,\"sha256\":\"x\"}]}",
                "{\"layout\":1,\"model\":\"m\",\"version\":1,\"trainedThrough\":{},\"modelDigest\":\"x\",\"payloadSha256\":\"x\",\"payloadBytes\":0,\"chunks\":[]} trailing",
                "{\"layout\":1,\"model\":\"m\",\"version\":99999999999999999999999999,\"chunks\":[]}",
                "{\"layout\":{\"a\":{\"b\":{\"c\":{\"d\":{}}}}}}"
            })
    void refusesManifestsThatAreNone(String json) {
        assertThatThrownBy(() -> ModelManifest.fromBytes(json.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesChunksOfAnotherLayout() {
        byte[] chunk = new ModelChunk(1, new byte[] {1, 2}).toBytes();
        assertThat(ModelChunk.fromBytes(chunk).data()).containsExactly(1, 2);
        chunk[0] = 9;

        assertThatThrownBy(() -> ModelChunk.fromBytes(chunk))
                .hasMessage("Chunk layout 9 is not this reader's 1; upgrade the reader");
        assertThatThrownBy(() -> ModelChunk.fromBytes(new byte[3])).isInstanceOf(IllegalArgumentException.class);
    }
}
