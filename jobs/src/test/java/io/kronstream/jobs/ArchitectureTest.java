// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Imports run {@code jobs -> operators, connectors -> state -> optimizer}, and the learner is deterministic. */
class ArchitectureTest {
    private static final String ROOT = "io.kronstream";
    private static final List<String> OPTIMIZER =
            List.of("linalg", "network", "optimizers", "fisher", "learner", "evaluation");
    private static final List<String> ALL = Stream.concat(
                    OPTIMIZER.stream(), Stream.of("state", "connectors", "operators", "jobs"))
            .toList();

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages(ROOT);

    static List<String> layers() {
        return ALL;
    }

    @ParameterizedTest
    @MethodSource("layers")
    void everyLayerIsLookedAt(String layer) {
        assertThat(CLASSES.stream().filter(type -> type.getPackageName().startsWith(ROOT + "." + layer)))
                .as("classes of %s", layer)
                .isNotEmpty();
    }

    @Test
    void everyPackageBelongsToALayer() {
        classes().should().resideInAnyPackage(packages(ALL)).check(CLASSES);
    }

    @Test
    void theOptimizerSeesNeitherFlinkNorKafka() {
        noClasses()
                .that()
                .resideInAnyPackage(packages(OPTIMIZER))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.apache.flink..", "org.apache.kafka..", "kafka..")
                .check(CLASSES);
    }

    @Test
    void theOptimizerSeesNoLayerAbove() {
        sees(OPTIMIZER, OPTIMIZER).check(CLASSES);
    }

    @Test
    void theOptimizersPackagesFormLayersToo() {
        sees(List.of("linalg"), List.of("linalg")).check(CLASSES);
        sees(List.of("network"), List.of("linalg", "network")).check(CLASSES);
        sees(List.of("optimizers", "fisher"), List.of("linalg", "network", "optimizers", "fisher"))
                .check(CLASSES);
    }

    @Test
    void stateSeesTheOptimizerOnly() {
        sees(List.of("state"), with(OPTIMIZER, "state")).check(CLASSES);
    }

    @Test
    void connectorsAndOperatorsSeeStateAndOptimizerOnly() {
        sees(List.of("connectors"), with(OPTIMIZER, "state", "connectors")).check(CLASSES);
        sees(List.of("operators"), with(OPTIMIZER, "state", "operators")).check(CLASSES);
    }

    /** Whoever serves models needs Kafka's client and the network, not Flink. */
    @Test
    void readersOfModelsNeedNoFlink() {
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".connectors.model..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.apache.flink..", ROOT + ".state..", ROOT + ".connectors.ends..")
                .check(CLASSES);
    }

    @Test
    void onlyConnectorsAndJobsSpeakKafka() {
        noClasses()
                .that()
                .resideOutsideOfPackages(packages(List.of("connectors", "jobs")))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.apache.kafka..", "kafka..", "org.apache.flink.connector.kafka..")
                .check(CLASSES);
    }

    @Test
    void onlyLinalgSeesNativeNumerics() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + ".linalg..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.nd4j..", "org.bytedeco..")
                .check(CLASSES);
    }

    @Test
    void whatLearnsHasNoRandomnessOfItsOwn() {
        noClasses()
                .that()
                .resideInAnyPackage(packages(OPTIMIZER))
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.util.Random")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.util.concurrent.ThreadLocalRandom")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.security.SecureRandom")
                .orShould()
                .callMethod(Math.class, "random")
                .orShould()
                .callMethod(StrictMath.class, "random")
                .orShould()
                .callMethod(java.util.UUID.class, "randomUUID")
                .check(CLASSES);
    }

    @Test
    void whatLearnsHasNoClock() {
        noClasses()
                .that()
                .resideInAnyPackage(packages(OPTIMIZER))
                .should()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(java.time.Instant.class, "now")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.time.Clock")
                .check(CLASSES);
    }

    /** {@code Math}'s transcendental functions may differ between machines in the last bit; {@code StrictMath}'s do not. */
    @Test
    void whatLearnsUsesStrictMathForTranscendentalFunctions() {
        for (String function : List.of("exp", "expm1", "log", "log1p", "log10", "sin", "cos", "tan", "tanh", "cbrt")) {
            noClasses()
                    .that()
                    .resideInAnyPackage(packages(OPTIMIZER))
                    .should()
                    .callMethod(Math.class, function, double.class)
                    .check(CLASSES);
        }
        for (String function : List.of("pow", "atan2", "hypot")) {
            noClasses()
                    .that()
                    .resideInAnyPackage(packages(OPTIMIZER))
                    .should()
                    .callMethod(Math.class, function, double.class, double.class)
                    .check(CLASSES);
        }
    }

    /** Classes of {@code layers} depend on no part of this product but {@code allowed}. */
    private static ArchRule sees(List<String> layers, List<String> allowed) {
        DescribedPredicate<JavaClass> own = JavaClass.Predicates.resideInAPackage(ROOT + "..");
        DescribedPredicate<JavaClass> permitted = JavaClass.Predicates.resideInAnyPackage(packages(allowed));
        return noClasses()
                .that()
                .resideInAnyPackage(packages(layers))
                .should()
                .dependOnClassesThat(own.and(DescribedPredicate.not(permitted)));
    }

    private static List<String> with(List<String> layers, String... more) {
        List<String> all = new ArrayList<>(layers);
        all.addAll(List.of(more));
        return all;
    }

    private static String[] packages(List<String> layers) {
        return layers.stream().map(layer -> ROOT + "." + layer + "..").toArray(String[]::new);
    }
}
