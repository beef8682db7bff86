// Plays a motion on a humanoid figure, or shows its joints as spheres. Put it on a GameObject with an Animator.
using System;
using System.Collections.Generic;
using UnityEngine;

namespace Maquette
{
    /// <summary>Drives the humanoid Animator of this object, or draws joints where there is none.</summary>
    public sealed class MaquettePlayer : MonoBehaviour
    {
        [Tooltip("A .json of Maquette (maquette convert MOTION -o motion.json), as a text asset.")]
        public TextAsset motionFile;
        public bool loop = true;
        [Tooltip("Seconds of the motion in one second.")]
        public float speed = 1f;
        [Tooltip("Also draw the joints of a humanoid.")]
        public bool showJoints;
        public float jointRadius = 0.03f;

        /// <summary>Joint of Maquette whose rotation turns each bone.</summary>
        static readonly KeyValuePair<HumanBodyBones, string>[] Bones =
        {
            Bone(HumanBodyBones.Hips, "hip"), Bone(HumanBodyBones.Spine, "spine"), Bone(HumanBodyBones.Chest, "thorax"),
            Bone(HumanBodyBones.Neck, "thorax"), Bone(HumanBodyBones.Head, "nose"),
            Bone(HumanBodyBones.LeftUpperLeg, "l_hip"), Bone(HumanBodyBones.LeftLowerLeg, "l_knee"),
            Bone(HumanBodyBones.LeftFoot, "l_ankle"),
            Bone(HumanBodyBones.RightUpperLeg, "r_hip"), Bone(HumanBodyBones.RightLowerLeg, "r_knee"),
            Bone(HumanBodyBones.RightFoot, "r_ankle"),
            Bone(HumanBodyBones.LeftUpperArm, "l_shoulder"), Bone(HumanBodyBones.LeftLowerArm, "l_elbow"),
            Bone(HumanBodyBones.LeftHand, "l_wrist"),
            Bone(HumanBodyBones.RightUpperArm, "r_shoulder"), Bone(HumanBodyBones.RightLowerArm, "r_elbow"),
            Bone(HumanBodyBones.RightHand, "r_wrist"),
        };

        MaquetteMotion motion;
        Animator animator;
        MaquetteFigure figure;
        Transform[] dots;
        float figureScale = 1f;
        double timeS;

        static KeyValuePair<HumanBodyBones, string> Bone(HumanBodyBones bone, string joint)
        {
            return new KeyValuePair<HumanBodyBones, string>(bone, joint);
        }

        /// <summary>The motion that plays; null before there is one.</summary>
        public MaquetteMotion Motion { get { return motion; } }

        void Start()
        {
            animator = GetComponent<Animator>();
            if (animator != null && !animator.isHuman) animator = null;
            if (motionFile != null) Play(MaquetteMotion.Parse(motionFile.text));
        }

        /// <summary>Plays a motion from its start.</summary>
        public void Play(MaquetteMotion newMotion)
        {
            motion = newMotion;
            timeS = 0;
            bool poses = animator != null && motion.Rotations != null;
            if (poses)
            {
                if (figure == null) figure = new MaquetteFigure(animator, Array.ConvertAll(Bones, bone => bone.Key));
                float theirs = Length("l_hip", "l_knee") + Length("l_knee", "l_ankle");
                figureScale = theirs > 0 ? figure.LegLength / theirs : 1f;
            }
            else figure = null;
            if (figure == null || showJoints) MakeDots();
            Show(0);
        }

        void Update()
        {
            if (motion == null) return;
            timeS += Time.deltaTime * speed;
            double length = motion.DurationS + 1 / motion.FramesPerSecond;
            if (loop && length > 0) timeS -= Math.Floor(timeS / length) * length;
            Show(motion.FrameAt(timeS));
        }

        /// <summary>Puts figure and joints into one frame.</summary>
        public void Show(int frame)
        {
            if (figure != null) Pose(frame);
            if (dots == null) return;
            for (int i = 0; i < dots.Length; i++)
            {
                Place place = motion.Positions[frame][i];
                dots[i].gameObject.SetActive(place.Known);
                if (place.Known) dots[i].localPosition = At(place);
            }
        }

        float Length(string from, string to)
        {
            int a = motion.JointIndex(from), b = motion.JointIndex(to);
            if (a < 0 || b < 0) return 0;
            foreach (Place[] frame in motion.Positions)
                if (frame[a].Known && frame[b].Known) return (At(frame[a]) - At(frame[b])).magnitude;
            return 0;
        }

        void Pose(int frame)
        {
            // In the T-pose both figures stand alike, so a bone turns from there as Maquette's joint does.
            Turn[] world = motion.WorldRotations(frame);
            foreach (var bone in Bones)
            {
                int joint = motion.JointIndex(bone.Value);
                if (joint < 0 || !world[joint].Known) continue;
                Turn turn = world[joint];
                // No joint turns the neck alone: it goes half of the way with the head.
                int head = motion.JointIndex("nose");
                if (bone.Key == HumanBodyBones.Neck && head >= 0 && world[head].Known) turn = turn.Halfway(world[head]);
                figure.TurnBone(bone.Key, turn, transform);
            }
            int root = motion.JointIndex("hip");
            if (root >= 0 && motion.Positions[frame][root].Known)
                figure.MoveHipJoints(transform.TransformPoint(At(motion.Positions[frame][root]) * figureScale));
        }

        void MakeDots()
        {
            if (dots != null)
                foreach (Transform dot in dots) Destroy(dot.gameObject);
            dots = new Transform[motion.Joints.Length];
            for (int i = 0; i < dots.Length; i++)
            {
                GameObject dot = GameObject.CreatePrimitive(PrimitiveType.Sphere);
                dot.name = motion.Joints[i];
                dots[i] = dot.transform;
                dots[i].SetParent(transform, false);
                dots[i].localScale = Vector3.one * (2 * jointRadius);
            }
        }

        static Vector3 At(Place place) { return new Vector3(place.X, place.Y, place.Z); }
    }
}
