// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.learner.PublishedModel;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class VersionAssemblerTest {
    private static final int CHUNK = 100;

    private final VersionAssembler assembler = new VersionAssembler();

    @Test
    void returnsAVersionWhenItsManifestCompletesIt() {
        PublishedModel published = Models.published("m", 1, 250, 1);

        List<StoredModel> whole = feed(Models.records(published, CHUNK));

        assertThat(whole).hasSize(1);
        assertThat(whole.get(0).payload()).isEqualTo(published.payload());
        assertThat(whole.get(0).manifest().version()).isEqualTo(1);
        assertThat(whole.get(0).manifest().trainedThrough()).isEqualTo(published.trainedThrough());
    }

    @Test
    void returnsAVersionWithoutPayload() {
        assertThat(feed(Models.records(Models.published("m", 1, 0, 1), CHUNK))).hasSize(1);
    }

    @Test
    void doesNotReturnAVersionThatLacksAChunk() {
        List<ModelRecord> records = new ArrayList<>(Models.records(Models.published("m", 1, 250, 1), CHUNK));
        ModelRecord lost = records.remove(1);

        assertThat(feed(records)).isEmpty();
        assertThat(feed(List.of(lost))).hasSize(1);
    }

    @Test
    void doesNotMixAttemptsOfOneVersion() {
        List<ModelRecord> first = Models.records(Models.published("m", 1, 250, 1), CHUNK);
        List<ModelRecord> second = Models.records(Models.published("m", 1, 250, 2), CHUNK);

        assertThat(feed(List.of(first.get(0), first.get(1), second.get(2), second.get(3))))
                .isEmpty();
        assertThat(feed(second)).isNotEmpty().allSatisfy(whole -> assertThat(whole.payload())
                .isEqualTo(Models.published("m", 1, 250, 2).payload()));
    }

    @Test
    void doesNotMixVersionsOfOneSlot() {
        List<ModelRecord> one = Models.records(Models.published("m", 1, 250, 1), CHUNK);
        List<ModelRecord> three = Models.records(Models.published("m", 3, 250, 1), CHUNK);

        assertThat(feed(List.of(one.get(0), one.get(1), one.get(2), three.get(0), one.get(3))))
                .isEmpty();
        assertThat(feed(List.of(three.get(1), three.get(2), three.get(3)))).hasSize(1);
    }

    @Test
    void forgetsWhatIsDeleted() {
        List<ModelRecord> records = Models.records(Models.published("m", 1, 250, 1), CHUNK);
        feed(records.subList(0, 3));
        assembler.accept(ModelKeys.parse(records.get(0).key()).orElseThrow(), null);

        assertThat(feed(records.subList(3, 4))).isEmpty();
    }

    @Test
    void skipsStrangers() {
        assembler.accept(new ModelKeys.ModelKey("m", 1, 0), new byte[] {7});
        assembler.accept(new ModelKeys.ModelKey("m", 1, ModelKeys.MANIFEST), new byte[] {'{'});
        ModelRecord ofAnotherModel =
                Models.records(Models.published("other", 1, 0, 1), CHUNK).get(0);
        assembler.accept(new ModelKeys.ModelKey("m", 1, ModelKeys.MANIFEST), ofAnotherModel.value());
        assembler.accept(new ModelKeys.ModelKey("other", 0, ModelKeys.MANIFEST), ofAnotherModel.value());

        assertThat(assembler.skipped()).isEqualTo(4);
    }

    /** Records of several versions and attempts, repeated and lost: what comes out is always something that went in. */
    @Test
    void neverReturnsWhatWasNotPublished() {
        long seed = 20261120;
        Random random = new Random(seed);
        int returned = 0;
        for (int round = 0; round < 300; round++) {
            VersionAssembler fresh = new VersionAssembler();
            List<ModelRecord> log = new ArrayList<>();
            List<String> published = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                PublishedModel version =
                        Models.published("m", 1 + random.nextInt(4), random.nextInt(400), random.nextInt(2));
                published.add(ModelChunk.sha256(version.payload()));
                List<ModelRecord> records = Models.records(version, CHUNK);
                for (ModelRecord record : records) {
                    int at = random.nextInt(3) == 0 ? random.nextInt(log.size() + 1) : log.size();
                    if (random.nextInt(10) > 0) {
                        log.add(at, record);
                    }
                }
            }
            for (ModelRecord record : log) {
                StoredModel whole = fresh.accept(ModelKeys.parse(record.key()).orElseThrow(), record.value())
                        .orElse(null);
                if (whole != null) {
                    returned++;
                    assertThat(published)
                            .as("seed %d, round %d", seed, round)
                            .contains(ModelChunk.sha256(whole.payload()));
                }
            }
        }
        assertThat(returned).isGreaterThan(300);
    }

    private List<StoredModel> feed(List<ModelRecord> records) {
        List<StoredModel> whole = new ArrayList<>();
        for (ModelRecord record : records) {
            assembler
                    .accept(ModelKeys.parse(record.key()).orElseThrow(), record.value())
                    .ifPresent(whole::add);
        }
        return whole;
    }
}
