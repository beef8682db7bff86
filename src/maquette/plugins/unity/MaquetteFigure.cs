// A humanoid figure whose bones are turned away from its T-pose.
using System.Collections.Generic;
using UnityEngine;

namespace Maquette
{
    /// <summary>Knows how the bones of a humanoid Animator stand in the T-pose of its avatar, and turns them from there.</summary>
    public sealed class MaquetteFigure
    {
        struct Part
        {
            public Transform Bone;
            /// <summary>Rotation in the T-pose, relative to the figure's own object.</summary>
            public Quaternion Rest;
        }

        readonly Dictionary<HumanBodyBones, Part> parts = new Dictionary<HumanBodyBones, Part>();
        readonly Transform hips, leftLeg, rightLeg;

        /// <summary>From the top of the left leg to its ankle, in the T-pose.</summary>
        public readonly float LegLength;

        /// <summary>Puts the figure into its T-pose and switches its Animator off, which would write over the bones.</summary>
        public MaquetteFigure(Animator animator, IEnumerable<HumanBodyBones> bones)
        {
            animator.enabled = false;
            StandInTPose(animator);
            Quaternion upright = Quaternion.Inverse(animator.transform.rotation);
            foreach (HumanBodyBones bone in bones)
            {
                Transform part = animator.GetBoneTransform(bone);
                if (part != null) parts[bone] = new Part { Bone = part, Rest = upright * part.rotation };
            }
            hips = animator.GetBoneTransform(HumanBodyBones.Hips);
            leftLeg = animator.GetBoneTransform(HumanBodyBones.LeftUpperLeg);
            rightLeg = animator.GetBoneTransform(HumanBodyBones.RightUpperLeg);
            Transform shin = animator.GetBoneTransform(HumanBodyBones.LeftLowerLeg);
            Transform foot = animator.GetBoneTransform(HumanBodyBones.LeftFoot);
            LegLength = (leftLeg.position - shin.position).magnitude + (shin.position - foot.position).magnitude;
        }

        /// <summary>The T-pose that the avatar was set up with, whichever pose the model was made in.</summary>
        static void StandInTPose(Animator animator)
        {
            if (animator.avatar == null) return;
            var rotations = new Dictionary<string, Quaternion>();
            foreach (SkeletonBone bone in animator.avatar.humanDescription.skeleton) rotations[bone.name] = bone.rotation;
            Transform top = animator.GetBoneTransform(HumanBodyBones.Hips);
            foreach (Transform part in top.GetComponentsInChildren<Transform>())
            {
                Quaternion rotation;
                if (rotations.TryGetValue(part.name, out rotation)) part.localRotation = rotation;
            }
        }

        /// <summary>Turns a bone, if the figure has it, to where the rotation brings it from the T-pose; parents first.</summary>
        /// <param name="origin">The object in whose axes the rotation is.</param>
        public void TurnBone(HumanBodyBones bone, Turn turn, Transform origin)
        {
            Part part;
            if (!turn.Known || !parts.TryGetValue(bone, out part)) return;
            part.Bone.rotation = origin.rotation * new Quaternion(turn.X, turn.Y, turn.Z, turn.W) * part.Rest;
        }

        /// <summary>
        /// Moves the figure until the middle of its hip joints is at a place of the world. Not the bone "hips": some figures
        /// have it on the height of the hip joints, others a hand's breadth above. Turn it first.
        /// </summary>
        public void MoveHipJoints(Vector3 place)
        {
            Vector3 middle = (leftLeg.position + rightLeg.position) * 0.5f;
            hips.position = hips.position + place - middle;
        }
    }
}
