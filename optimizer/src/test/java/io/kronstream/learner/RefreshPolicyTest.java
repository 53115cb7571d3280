// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RefreshPolicyTest {
    private static final List<Example> STREAM = LearnerRun.binaryStream(403);

    @ParameterizedTest(name = "{0}, lag {1}, tolerance {2}, stagger {3}")
    @CsvSource({"dykaf, 0, 0.2, false", "soap, 4, 0.2, true", "dykaf, 3, 0, true", "kfac, 4, 0, true"})
    void everyPolicyIsDeterministicAndSurvivesARestart(String optimizer, int lag, double tolerance, boolean stagger) {
        LearnerSettings settings = LearnerTest.settings(LearnerRun.binarySchema(), optimizer, lag)
                .with(new RefreshPolicy(tolerance, stagger));
        LearnerRun whole = new LearnerRun(settings, LearnerRun.Answers.WHEN_WAITED_FOR)
                .feed(STREAM)
                .finish();
        LearnerRun restarted = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE);
        for (int from = 0; from < STREAM.size(); from += 31) {
            restarted
                    .feed(STREAM.subList(from, Math.min(from + 31, STREAM.size())))
                    .restart();
        }
        restarted.finish();

        assertThat(restarted.learner.digest()).isEqualTo(whole.learner.digest());
        assertThat(restarted.scores).isEqualTo(whole.scores);
        assertThat(restarted.learner.skippedRefreshes()).isEqualTo(whole.learner.skippedRefreshes());
    }

    @Test
    void aBasisThatFitsIsKept() {
        LearnerSettings plain = LearnerTest.settings(LearnerRun.binarySchema(), "dykaf", 0);
        LearnerRun always = new LearnerRun(plain, LearnerRun.Answers.AT_ONCE).feed(STREAM);
        LearnerRun never =
                new LearnerRun(plain.with(new RefreshPolicy(0.999, false)), LearnerRun.Answers.AT_ONCE).feed(STREAM);
        LearnerRun sometimes =
                new LearnerRun(plain.with(new RefreshPolicy(0.1, false)), LearnerRun.Answers.AT_ONCE).feed(STREAM);

        assertThat(always.learner.skippedRefreshes()).isZero();
        assertThat(never.requests).isZero();
        assertThat(never.learner.skippedRefreshes()).isEqualTo(always.requests);
        assertThat(sometimes.requests).isBetween(1, always.requests - 1);
        assertThat(sometimes.requests + sometimes.learner.skippedRefreshes()).isEqualTo(always.requests);
    }

    @Test
    void layersTakeTurns() {
        LearnerSettings settings =
                LearnerTest.settings(LearnerRun.binarySchema(), "dykaf", 0).with(new RefreshPolicy(0, true));
        List<String> asked = new ArrayList<>();
        LearnerRun run = new LearnerRun(settings, LearnerRun.Answers.AT_ONCE) {
            @Override
            public void requested(RefreshRequest request) {
                asked.add(request.layer() + " after " + request.step());
                super.requested(request);
            }
        };
        run.feed(STREAM.subList(0, 80));

        assertThat(asked.stream().distinct())
                .containsExactly("0 after 5", "1 after 6", "2 after 7", "0 after 9", "1 after 10");
    }
}
